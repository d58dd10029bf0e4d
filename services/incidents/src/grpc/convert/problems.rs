//! Problems and what may be the same, in the contract's words and in ours.

use linju_proto::incidents::v1;

use super::{
    answer::time,
    catalogue, codes,
    request::{area, id, time as read_time},
};
use crate::{
    Error,
    app::{Change, Draft, Order, ShownProblem, Suggestion},
    domain::{Command, near::Point},
    store::{Code, incident::Model, near::Near},
};

impl TryFrom<v1::SuggestDuplicatesRequest> for Draft {
    type Error = Error;

    fn try_from(request: v1::SuggestDuplicatesRequest) -> Result<Self, Error> {
        let v1::SuggestDuplicatesRequest { area_code, category, latitude, longitude, at } = request;
        Ok(Self {
            area: area("area_code", &area_code)?,
            category: catalogue::code("category", &category)?,
            point: Point { latitude, longitude },
            at: at.map(|at| read_time("at", at)).transpose()?,
        })
    }
}

impl TryFrom<v1::SplitOffRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::SplitOffRequest) -> Result<Self, Error> {
        let v1::SplitOffRequest { id: id_text, reason, etag } = request;
        Ok(Self { id: id("id", &id_text)?, etag, order: Order::Command(Command::SplitOff), text: reason })
    }
}

pub(crate) fn suggestions(found: Vec<Suggestion>) -> v1::SuggestDuplicatesResponse {
    v1::SuggestDuplicatesResponse { suggestions: found.into_iter().map(Into::into).collect() }
}

impl From<Suggestion> for v1::DuplicateSuggestion {
    fn from(Suggestion { near, metres, same_category, reports }: Suggestion) -> Self {
        use v1::DuplicateReason::{RelatedClosed, RelatedOpen, SameClosed, SameOpen};
        let Near { id, number, state: Code(state), category, latitude: _, longitude: _, reported_at, closed_at } = near;
        let reason = match (same_category, closed_at.is_some()) {
            (true, false) => SameOpen,
            (true, true) => SameClosed,
            (false, false) => RelatedOpen,
            (false, true) => RelatedClosed,
        };
        Self {
            incident_id: id.to_string(),
            number,
            state: codes::state(state).into(),
            category: category.unwrap_or_default(),
            reason: reason.into(),
            distance_m: whole(metres),
            reported_at: Some(time(reported_at)),
            closed_at: closed_at.map(time),
            reports: i32::try_from(reports).unwrap_or(i32::MAX),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no category looks farther than 5000 m")]
fn whole(metres: f64) -> i32 {
    metres.ceil() as i32
}

impl From<ShownProblem> for v1::Problem {
    fn from(ShownProblem { lead, joined, reports, asked }: ShownProblem) -> Self {
        let number = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            lead: Some(report(lead)),
            joined: joined.into_iter().map(report).collect(),
            reports: number(reports),
            asked: number(asked),
        }
    }
}

fn report(row: Model) -> v1::ProblemReport {
    v1::ProblemReport {
        incident_id: row.id.to_string(),
        number: row.number,
        state: codes::state(row.state.0).into(),
        satisfaction: codes::satisfaction(row.satisfaction.map(|Code(satisfaction)| satisfaction)).into(),
        reported_at: Some(time(row.reported_at)),
    }
}
