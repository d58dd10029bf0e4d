//! The enums of the contract and of the domain, value by value.

use chrono::{DateTime, Utc};
use linju_proto::volunteers::v1;

use super::missing;
use crate::{
    Error,
    domain::{
        consent::Channel,
        duty::{DutyState, RosterState},
        gate::Obstacle,
        life::{Reason, State},
        qualification::{self, Kind, Revocation},
        team::{DisbandReason, End, Role, Standing, TeamKind, TeamState},
    },
};

/// Declares one direction, and with a second name the other; what the contract leaves unspecified is missing there.
macro_rules! pairs {
    ($to:ident, $from:ident($field:literal), $domain:ty, $proto:ident { $($one:ident = $other:ident,)+ }) => {
        pairs!($to, $domain, $proto { $($one = $other,)+ });

        pub fn $from(number: i32) -> Result<$domain, Error> {
            match v1::$proto::try_from(number) {
                $(Ok(v1::$proto::$other) => Ok(<$domain>::$one),)+
                Ok(v1::$proto::Unspecified) | Err(_) => Err(missing($field)),
            }
        }
    };
    ($to:ident, $domain:ty, $proto:ident { $($one:ident = $other:ident,)+ }) => {
        pub fn $to(value: $domain) -> v1::$proto {
            match value {
                $(<$domain>::$one => v1::$proto::$other,)+
            }
        }
    };
}

pairs!(state, some_state("states"), State, VolunteerState {
    Applicant = Applicant,
    InProcess = InProcess,
    Active = Active,
    Paused = Paused,
    Archived = Archived,
});

pairs!(reason, some_reason("reason"), Reason, VolunteerReason {
    OwnWish = OwnWish,
    Health = Health,
    Family = Family,
    Away = Away,
    MovedAway = MovedAway,
    Died = Died,
    NotAccepted = NotAccepted,
    NotReached = NotReached,
    ConsentMissing = ConsentMissing,
    UnderReview = UnderReview,
    RulesBroken = RulesBroken,
    Duplicate = Duplicate,
});

/// Without a reason it is unspecified.
pub fn reason_or_none(value: Option<Reason>) -> v1::VolunteerReason {
    value.map_or(v1::VolunteerReason::Unspecified, reason)
}

pairs!(qualification, some_qualification("qualification"), Kind, QualificationKind {
    FirstAid = FirstAid,
    HealthCertificate = HealthCertificate,
    MinorClearance = MinorClearance,
    DrivingLicence = DrivingLicence,
    Electrician = Electrician,
    SocialWorker = SocialWorker,
    ElderlyCare = ElderlyCare,
    Counselling = Counselling,
    Teaching = Teaching,
    Medical = Medical,
});

pairs!(qualification_state, qualification::State, QualificationState {
    Holds = Holds,
    Expired = Expired,
    Revoked = Revoked,
    Renewed = Renewed,
});

pairs!(revocation, some_revocation("reason"), Revocation, RevocationReason {
    WithdrawnByIssuer = WithdrawnByIssuer,
    NotGenuine = NotGenuine,
    RecordedWrongly = RecordedWrongly,
});

pairs!(channel, some_channel("consent.channel"), Channel, ConsentChannel {
    Paper = Paper,
    Counter = Counter,
    Phone = Phone,
    App = App,
});

pairs!(team_kind, some_team_kind("team.kind"), TeamKind, TeamKind {
    GoodNeighbour = GoodNeighbour,
    Errands = Errands,
    ElderCare = ElderCare,
    Youth = Youth,
    Medical = Medical,
    Legal = Legal,
    Culture = Culture,
    Environment = Environment,
    Emergency = Emergency,
    HomeRepair = HomeRepair,
    PartyMembers = PartyMembers,
    Unit = Unit,
    Other = Other,
});

pairs!(team_state, TeamState, TeamState {
    Forming = Forming,
    Active = Active,
    Disbanded = Disbanded,
});

pairs!(disband_reason, some_disband_reason("reason"), DisbandReason, DisbandReason {
    TaskDone = TaskDone,
    TooFewMembers = TooFewMembers,
    JoinedAnother = JoinedAnother,
    RulesBroken = RulesBroken,
});

pairs!(role, some_role("role"), Role, MemberRole {
    Member = Member,
    Deputy = Deputy,
    Leader = Leader,
});

pairs!(standing, Standing, MembershipState {
    Invited = Invited,
    Requested = Requested,
    Member = Member,
    Ended = Ended,
});

pairs!(end, some_end("end"), End, MembershipEnd {
    Declined = Declined,
    TakenBack = TakenBack,
    Left = Left,
    LetGo = LetGo,
    Archived = Archived,
    Disbanded = Disbanded,
});

pairs!(duty_state, DutyState, DutyState {
    Planned = Planned,
    Cancelled = Cancelled,
});

pairs!(roster_state, RosterState, RosterState {
    On = On,
    GivenUp = GivenUp,
    TakenOff = TakenOff,
    Came = Came,
    DidNotCome = DidNotCome,
});

/// What stands against something.
pub fn obstacle(value: Obstacle) -> v1::Obstacle {
    obstacle_of(value.code())
}

/// The same by its code, as it is stored; what this version does not know is unspecified.
pub fn obstacle_of(code: &str) -> v1::Obstacle {
    let name = format!("OBSTACLE_{}", code.to_ascii_uppercase());
    v1::Obstacle::from_str_name(&name).unwrap_or_default()
}

/// A time.
pub fn time(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn every_obstacle_has_its_word_in_the_contract() {
        let kind = Kind::FirstAid;
        for found in [
            Obstacle::NotActive,
            Obstacle::QualificationMissing(kind),
            Obstacle::QualificationEndsBefore(kind, NaiveDate::MIN),
            Obstacle::NotInsured,
            Obstacle::ConsentMissing,
            Obstacle::UnderAge,
        ] {
            assert_ne!(obstacle(found), v1::Obstacle::Unspecified, "{found:?}");
        }
    }
}
