//! Patterns, in the contract's words and in ours.

use chassis::data::{Page, etag};
use linju_proto::incidents::v1;

use super::{
    codes::pairs,
    emergencies::day,
    promise::time,
    request::{area, uuid},
};
use crate::{
    Error,
    app::{PatternVerdict, PatternsOf, ShownPattern, spot},
    domain::{
        Unit,
        matter::MatterId,
        pattern::{RuleKind, Spot, State},
    },
    store::{Code, pattern::Model},
};

pairs!(rule_kind, _rule_kind_of, RuleKind, PatternRule {
    Often = Often,
    Season = Season,
    Weekday = Weekday,
});

pairs!(state, state_of, State, PatternState {
    Proposed = Proposed,
    Accepted = Accepted,
    Dismissed = Dismissed,
});

impl TryFrom<v1::ListPatternsRequest> for PatternsOf {
    type Error = Error;

    fn try_from(request: v1::ListPatternsRequest) -> Result<Self, Error> {
        let v1::ListPatternsRequest { area_code, state, page_size, page_token } = request;
        let state = state_of(state);
        let page = Page::read(&[&area_code, state.map_or("", State::code)], page_size, &page_token)?;
        Ok(Self { area: area("area_code", &area_code)?, state, page })
    }
}

pub(crate) fn task(task: v1::accept_pattern_request::MatterTask) -> Result<PatternVerdict, Error> {
    let v1::accept_pattern_request::MatterTask { matter_id, unit, due_on } = task;
    let matter = MatterId(uuid("task.matter_id", &matter_id)?);
    Ok(PatternVerdict::Task { matter, unit: Unit(unit), due_on: day("task.due_on", &due_on)? })
}

pub(crate) fn shown(shown: ShownPattern) -> Result<v1::Pattern, Error> {
    let ShownPattern { row, reason } = shown;
    let (rule, evidence, middle) = (row.rule()?, row.evidence()?, spot(&row).map(Spot::middle));
    let Model {
        id,
        pattern_key: _,
        area_code,
        category,
        rule: _,
        south: _,
        west: _,
        reports,
        first_at,
        last_at,
        evidence: _,
        state: Code(stands),
        found_at,
        decided_at,
        decided_by,
        reason: _,
        incident_id,
        matter_id,
        version,
    } = row;
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let (month, weekday) = match rule.kind() {
        RuleKind::Often => (0, 0),
        RuleKind::Season => (number(rule.slot()), 0),
        RuleKind::Weekday => (0, number(rule.slot())),
    };
    Ok(v1::Pattern {
        id: id.to_string(),
        area_code: area_code.to_string(),
        category,
        rule: rule_kind(rule.kind()).into(),
        latitude: middle.map(|(latitude, _)| latitude),
        longitude: middle.map(|(_, longitude)| longitude),
        month,
        weekday,
        reports,
        times: number(rule.times()),
        first_at: Some(time(first_at)),
        last_at: Some(time(last_at)),
        incident_ids: evidence.iter().map(ToString::to_string).collect(),
        explanation: rule.explain(usize::try_from(reports).unwrap_or_default()),
        state: state(stands).into(),
        found_at: Some(time(found_at)),
        decided_at: decided_at.map(time),
        decided_by: decided_by.unwrap_or_default(),
        reason: reason.map(|text| text.expose().to_owned()).unwrap_or_default(),
        incident_id: incident_id.map(|id| id.to_string()).unwrap_or_default(),
        matter_id: matter_id.map(|id| id.to_string()).unwrap_or_default(),
        etag: etag(version),
    })
}
