//! The rota, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Code, Page, etag},
};
use linju_proto::volunteers::v1;

use super::{area, codes, id, id_or_none, people, request, time};
use crate::{
    Error,
    app::{DutiesOf, NewDuties, Request, ShownDuty},
    domain::duty::Span,
    store::rota::{Model, roster},
};

/// Duties to be put on the rota.
pub fn new_duties(message: v1::CreateDutiesRequest) -> Result<(Request, NewDuties), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::CreateDutiesRequest { team_id, starts_at, ends_at, place, wanted, needs, weeks, request_id: _ } = message;
    let new = NewDuties {
        team: id("team_id", &team_id)?,
        starts_at: time("starts_at", starts_at)?,
        ends_at: time("ends_at", ends_at)?,
        place,
        wanted,
        needs: people::needs(needs)?,
        weeks: weeks.unsigned_abs(),
    };
    Ok((request, new))
}

impl TryFrom<v1::ListDutiesRequest> for DutiesOf {
    type Error = Error;

    fn try_from(message: v1::ListDutiesRequest) -> Result<Self, Error> {
        let v1::ListDutiesRequest { area_code, team_id, from, until, open_only, page_size, page_token } = message;
        let moment =
            |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds.to_string()).unwrap_or_default();
        let open = if open_only { "open" } else { "" };
        let query = ["duties", &area_code, &team_id, &moment(&from), &moment(&until), open];
        let page = Page::read(&query, page_size, &page_token)?;
        let span = match (from, until) {
            (None, None) => None,
            (from, until) => {
                let span = Span { from: time("from", from)?, until: time("until", until)? };
                if span.until <= span.from {
                    return Err(Fault::field("until", "period", "is not after `from`: give a later time").into());
                }
                Some(span)
            }
        };
        let team = id_or_none("team_id", &team_id)?;
        Ok(Self { area: area("area_code", &area_code)?, team, span, open_only, page })
    }
}

/// A duty as the contract shows it.
pub fn duty(shown: ShownDuty) -> Result<v1::Duty, Error> {
    let ShownDuty { row, roster } = shown;
    let needs = row.needs()?;
    let Model {
        id,
        team_id,
        request: _,
        area_code,
        starts_at,
        ends_at,
        place,
        wanted,
        taken: _,
        needs: _,
        state: Code(state),
        version,
    } = row;
    Ok(v1::Duty {
        id: id.to_string(),
        team_id: team_id.to_string(),
        area_code: area_code.to_string(),
        starts_at: Some(codes::time(starts_at)),
        ends_at: Some(codes::time(ends_at)),
        place,
        wanted,
        needs: Some(people::shown_needs(needs)),
        state: codes::duty_state(state).into(),
        roster: roster.into_iter().map(entry).collect(),
        etag: etag(version),
    })
}

fn entry((row, number): (roster::Model, String)) -> v1::RosterEntry {
    let roster::Model { duty_id: _, volunteer_id, state: Code(state), obstacle, changed_at: _ } = row;
    v1::RosterEntry {
        volunteer_id: volunteer_id.to_string(),
        number,
        state: codes::roster_state(state).into(),
        obstacle: obstacle.map_or(v1::Obstacle::Unspecified, |code| codes::obstacle_of(&code)).into(),
    }
}
