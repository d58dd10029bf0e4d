//! The table of reasons: programs rely on it.

use chassis::{Fault, Refusal};
use chrono::NaiveDate;
use linju_residents::{
    Error,
    domain::{
        minors::{AccessRefused, AccessState},
        standing::Refused,
    },
};

#[test]
fn every_refusal_has_its_code_and_reason() {
    let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap_or_default();
    let refused = [
        Refused::IsMerged,
        Refused::HasLeft,
        Refused::HasDied,
        Refused::HasNotLeft,
        Refused::IsNotMerged,
        Refused::InFuture,
        Refused::Reversed { earliest: day },
        Refused::IntoItself,
        Refused::TargetIsMerged,
    ];
    let own = [
        Error::NationalIdTaken,
        Error::HouseholdNumberTaken,
        Error::BuildingNotFound,
        Error::OlderThanKept { group: "contact", kept_on: day },
        Error::MinorApprovalNeeded,
        Error::Access(AccessRefused::OwnRequest),
        Error::Access(AccessRefused::WrongState(AccessState::Declined)),
        Error::NotAMinor,
        Error::MinorAccessInBulk(20),
        Error::NoOwnRecord,
        Error::IsAnswered,
        Error::TooManyOpen(30),
        Error::Fault(Fault::NotFound("resident")),
        Error::field("moved_on", "date.past", "is in the future: give the day it happened"),
    ];
    let all = refused.into_iter().map(Error::Refused).chain(own);
    let table: Vec<String> = all
        .map(|error| {
            let (code, reason) = error.answer();
            format!("{code:?} {reason}: {error}")
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}
