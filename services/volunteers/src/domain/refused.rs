//! What the rules of people and teams refuse.

use chrono::NaiveDate;

use super::{
    gate::Obstacle,
    life,
    qualification::Kind,
    team::{End, Standing},
};

/// Why a rule says no. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{field} {message}")]
    Field { field: &'static str, message: &'static str },
    #[error("the volunteer is {state}: {action} does not apply")]
    WrongState { state: life::State, action: &'static str },
    #[error("the reason `{reason}` does not fit here: choose one that does")]
    ReasonDoesNotFit { reason: life::Reason },
    #[error("the volunteer was not told yet what the service asks and what may happen: tell, then set `risks_told`")]
    RisksNotTold,
    #[error("the volunteer is under 18 and no guardian's consent holds: record one first")]
    ConsentMissing,
    #[error("the office has paused this: ask the community")]
    NotOneselfs,
    #[error("nobody decides about an application of their own: ask somebody else of the community")]
    NotForOneself,
    #[error("volunteers are at least {minimum} years old")]
    TooYoung { minimum: i32 },
    #[error("whoever is 18 needs no guardian's consent")]
    OfAge,
    #[error("under 14 a guardian comes along: leave `unaccompanied` out")]
    MustBeAccompanied,
    #[error("a {kind} holds until {latest} at most: leave the end out, or give an earlier one")]
    HoldsTooLong { kind: Kind, latest: NaiveDate },
    #[error("this qualification holds no longer: there is nothing to take back")]
    HoldsNoLonger,
    #[error("the volunteer has not said yes: wait for it, or say that you were told")]
    VolunteerHasNotAgreed,
    #[error("the team has not said yes: its leaders or the community do")]
    TeamHasNotAgreed,
    #[error("the membership is {standing}: nothing waits for an answer")]
    NothingAsked { standing: Standing },
    #[error("the membership is {standing}: `{end}` is not how you can end it")]
    EndDoesNotFit { standing: Standing, end: End },
    #[error("the team is disbanded")]
    TeamIsOver,
    #[error("the team has no other leader: name one first")]
    LastLeader,
    #[error("the volunteer is no member of the team")]
    NotAMember,
    #[error("the duty is cancelled")]
    DutyCancelled,
    #[error("the duty has as many people as it wants")]
    DutyFull,
    #[error("the volunteer is on another duty at that time")]
    OnDutyElsewhere,
    #[error("the volunteer is not on this duty")]
    NotOnDuty,
    #[error("the duty has begun: say afterwards who came")]
    HasBegun,
    #[error("the duty has not begun yet")]
    NotBegun,
    #[error("{}", .0.iter().map(|obstacle| obstacle.zh()).collect::<Vec<_>>().join("；"))]
    NotEligible(Vec<Obstacle>),
}

/// What a caller can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedKind {
    /// Put the request right.
    Invalid,
    /// Not in this state.
    State,
    /// Not by this caller.
    Permission,
}

impl Refused {
    /// A field that only a rule can judge.
    pub const fn field(field: &'static str, message: &'static str) -> Self {
        Self::Field { field, message }
    }

    /// The word that programs rely on.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Field { .. } => "INVALID_FIELD",
            Self::WrongState { .. } => "WRONG_STATE",
            Self::ReasonDoesNotFit { .. } => "REASON_DOES_NOT_FIT",
            Self::RisksNotTold => "RISKS_NOT_TOLD",
            Self::ConsentMissing => "CONSENT_MISSING",
            Self::NotOneselfs => "NOT_ONESELFS",
            Self::NotForOneself => "NOT_FOR_ONESELF",
            Self::TooYoung { .. } => "TOO_YOUNG",
            Self::OfAge => "OF_AGE",
            Self::MustBeAccompanied => "MUST_BE_ACCOMPANIED",
            Self::HoldsTooLong { .. } => "HOLDS_TOO_LONG",
            Self::HoldsNoLonger => "HOLDS_NO_LONGER",
            Self::VolunteerHasNotAgreed => "VOLUNTEER_HAS_NOT_AGREED",
            Self::TeamHasNotAgreed => "TEAM_HAS_NOT_AGREED",
            Self::NothingAsked { .. } => "NOTHING_ASKED",
            Self::EndDoesNotFit { .. } => "END_DOES_NOT_FIT",
            Self::TeamIsOver => "TEAM_IS_OVER",
            Self::LastLeader => "LAST_LEADER",
            Self::NotAMember => "NOT_A_MEMBER",
            Self::DutyCancelled => "DUTY_CANCELLED",
            Self::DutyFull => "DUTY_FULL",
            Self::OnDutyElsewhere => "ON_DUTY_ELSEWHERE",
            Self::NotOnDuty => "NOT_ON_DUTY",
            Self::HasBegun => "HAS_BEGUN",
            Self::NotBegun => "NOT_BEGUN",
            Self::NotEligible(_) => "NOT_ELIGIBLE",
        }
    }

    /// The field it is about.
    pub const fn about(&self) -> Option<&'static str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::ReasonDoesNotFit { .. } => Some("reason"),
            Self::TooYoung { .. } => Some("volunteer.birth_date"),
            Self::HoldsTooLong { .. } => Some("qualification.expires_on"),
            Self::MustBeAccompanied => Some("consent.unaccompanied"),
            _ => None,
        }
    }

    pub const fn kind(&self) -> RefusedKind {
        match self {
            Self::Field { .. }
            | Self::ReasonDoesNotFit { .. }
            | Self::TooYoung { .. }
            | Self::MustBeAccompanied
            | Self::HoldsTooLong { .. } => RefusedKind::Invalid,
            Self::NotOneselfs | Self::NotForOneself | Self::VolunteerHasNotAgreed | Self::TeamHasNotAgreed => {
                RefusedKind::Permission
            }
            Self::WrongState { .. }
            | Self::RisksNotTold
            | Self::ConsentMissing
            | Self::OfAge
            | Self::HoldsNoLonger
            | Self::NothingAsked { .. }
            | Self::EndDoesNotFit { .. }
            | Self::TeamIsOver
            | Self::LastLeader
            | Self::NotAMember
            | Self::DutyCancelled
            | Self::DutyFull
            | Self::OnDutyElsewhere
            | Self::NotOnDuty
            | Self::HasBegun
            | Self::NotBegun
            | Self::NotEligible(_) => RefusedKind::State,
        }
    }
}
