//! Every refusal: its code, its reason for programs and its words for people.

use chassis::{Fault, Refusal, data::SealError};
use chrono::NaiveDate;
use linju_incidents::{
    Error,
    domain::{
        Action, ActorKind, IncidentId, Refused, Status, Unit,
        matter::{self, Stage, StepKind},
    },
};
use uuid::Uuid;

fn refusals() -> Vec<Error> {
    let parent = IncidentId(Uuid::from_u128(2));
    let root = IncidentId(Uuid::from_u128(3));
    let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
    let rules = [
        Refused::WrongState { status: Status::Triaged, action: Action::Accept },
        Refused::WrongActor { kind: ActorKind::Worker, action: Action::ConfirmSolution },
        Refused::NotTheReporter { action: Action::ConfirmSolution },
        Refused::NotIndependent { action: Action::ConfirmSolution },
        Refused::AlreadyWithUnit { unit: Unit("lights".to_owned()) },
        Refused::ReopenTooLate { days: 30 },
        Refused::DuplicateOfItself,
        Refused::DuplicateLoop { parent },
        Refused::DuplicateOfDuplicate { parent, root },
        Refused::DuplicateOfWithdrawn { parent },
        Refused::NextLookNotAfterToday { next_look_on: day(22), today: day(23) },
    ];
    let disputes = [
        Refused::DisputeOpen,
        Refused::DisputedBefore,
        Refused::DecidedToStay,
        Refused::NotDisputed,
        Refused::OwnDispatch,
        Refused::OfTheUnit,
        Refused::NotShared,
    ];
    let matters = [
        matter::Refused::WrongStage { stage: Stage::Say, step: StepKind::Concluded },
        matter::Refused::NotIndependent { step: StepKind::Rated },
        matter::Refused::NotAhead { field: "until" },
        matter::Refused::NoTitle,
        matter::Refused::TasksOpen,
        matter::Refused::NotSatisfied { percent: 80 },
        matter::Refused::RatedBefore,
    ];
    let own = [
        Error::NotYourUnit { unit: Some("lights".to_owned()) },
        Error::NotYourUnit { unit: None },
        Error::Raced,
        Error::AreaNotGranted { field: "place.area_code" },
        Error::Sealed(SealError::Forged),
        Error::Fault(Fault::NotFound("incident")),
        Error::NoSuchReport,
        Error::TriedTooOften { wait: std::time::Duration::from_secs(3_601) },
    ];
    let rules = rules.into_iter().chain(disputes).map(Error::from);
    rules.chain(matters.into_iter().map(Error::from)).chain([Error::PatternDecided]).chain(own).collect()
}

#[test]
fn the_table_of_reasons() {
    let lines: Vec<_> = refusals()
        .iter()
        .map(|error| {
            let (code, reason) = error.answer();
            let fields: Vec<_> = error.violations().into_iter().map(|violation| violation.field).collect();
            format!("{code:?} {reason} [{}] {error}", fields.join(","))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
