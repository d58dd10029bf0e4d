//! Every refusal: its code, its reason for programs and its words for people.

use chassis::{Fault, Refusal as _, data::SealError};
use chrono::NaiveDate;
use linju_volunteers::{
    Error,
    domain::{
        Refused,
        gate::Obstacle,
        life::{Reason, State},
        qualification::Kind,
        team::{End, Standing},
    },
};

fn refusals() -> Vec<Error> {
    let latest = NaiveDate::from_ymd_opt(2027, 11, 22).expect("a day");
    let kind = Kind::MinorClearance;
    let rules = [
        Refused::field("volunteer.birth_date", "lies in the future: check it"),
        Refused::WrongState { state: State::Archived, action: "pause" },
        Refused::ReasonDoesNotFit { reason: Reason::Died },
        Refused::RisksNotTold,
        Refused::ConsentMissing,
        Refused::NotOneselfs,
        Refused::NotForOneself,
        Refused::TooYoung { minimum: 8 },
        Refused::OfAge,
        Refused::MustBeAccompanied,
        Refused::HoldsTooLong { kind, latest },
        Refused::HoldsNoLonger,
        Refused::VolunteerHasNotAgreed,
        Refused::TeamHasNotAgreed,
        Refused::NothingAsked { standing: Standing::Member },
        Refused::EndDoesNotFit { standing: Standing::Member, end: End::Declined },
        Refused::TeamIsOver,
        Refused::LastLeader,
        Refused::NotAMember,
        Refused::DutyCancelled,
        Refused::DutyFull,
        Refused::OnDutyElsewhere,
        Refused::NotOnDuty,
        Refused::HasBegun,
        Refused::NotBegun,
        Refused::NotEligible(vec![
            Obstacle::NotActive,
            Obstacle::QualificationMissing(kind),
            Obstacle::QualificationEndsBefore(kind, latest),
            Obstacle::NotInsured,
            Obstacle::ConsentMissing,
            Obstacle::UnderAge,
        ]),
    ];
    let own = [
        Error::AreaNotGranted { field: "volunteer.area_code" },
        Error::VolunteerKnown,
        Error::AccountTaken,
        Error::MembershipKnown,
        Error::NotYourTeam,
        Error::NoVolunteer,
        Error::Sealed(SealError::Forged),
        Error::Fault(Fault::NotFound("volunteer")),
    ];
    rules.into_iter().map(Error::from).chain(own).collect()
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
