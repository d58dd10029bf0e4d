//! The enums of the contract and of the domain, value by value.

use linju_proto::incidents::v1;

use crate::domain::{Channel, Satisfaction, Status, Urgency, Visibility};

/// Declares both directions. A value that the contract leaves unspecified is none.
macro_rules! pairs {
    ($to:ident, $from:ident, $domain:ident, $proto:ident { $($one:ident = $other:ident,)+ }) => {
        pub fn $to(value: $domain) -> v1::$proto {
            match value {
                $($domain::$one => v1::$proto::$other,)+
            }
        }

        pub fn $from(number: i32) -> Option<$domain> {
            match v1::$proto::try_from(number).ok()? {
                v1::$proto::Unspecified => None,
                $(v1::$proto::$other => Some($domain::$one),)+
            }
        }
    };
}

pub(super) use pairs;

pairs!(channel, channel_of, Channel, Channel {
    App = App,
    Phone = Phone,
    Counter = Counter,
    Worker = Worker,
    Open311 = Open311,
    Partner = Partner,
    Import = Import,
    Hotline12345 = Hotline12345,
});

pairs!(urgency_value, urgency_of, Urgency, Urgency {
    Routine = Routine,
    Urgent = Urgent,
    Emergency = Emergency,
});

pairs!(state, state_of, Status, IncidentState {
    Reported = Reported,
    Triaged = Triaged,
    Dispatched = Dispatched,
    Accepted = Accepted,
    InProgress = InProgress,
    WaitingReporter = WaitingReporter,
    SolutionProposed = SolutionProposed,
    Closed = Closed,
    Withdrawn = Withdrawn,
    Duplicate = Duplicate,
    Unsolvable = Unsolvable,
    Referred = Referred,
});

pairs!(visibility, visibility_of, Visibility, Visibility {
    Public = Public,
    Internal = Internal,
});

/// What nobody has assessed is unspecified.
pub fn urgency(value: Option<Urgency>) -> v1::Urgency {
    value.map_or(v1::Urgency::Unspecified, urgency_value)
}

/// Not asked is unspecified.
pub fn satisfaction(value: Option<Satisfaction>) -> v1::Satisfaction {
    match value {
        None | Some(Satisfaction::NotAsked) => v1::Satisfaction::Unspecified,
        Some(Satisfaction::Satisfied) => v1::Satisfaction::Satisfied,
        Some(Satisfaction::BasicallySatisfied) => v1::Satisfaction::BasicallySatisfied,
        Some(Satisfaction::Dissatisfied) => v1::Satisfaction::Dissatisfied,
    }
}

/// Unspecified is not asked.
pub fn satisfaction_of(number: i32) -> Satisfaction {
    match v1::Satisfaction::try_from(number) {
        Ok(v1::Satisfaction::Satisfied) => Satisfaction::Satisfied,
        Ok(v1::Satisfaction::BasicallySatisfied) => Satisfaction::BasicallySatisfied,
        Ok(v1::Satisfaction::Dissatisfied) => Satisfaction::Dissatisfied,
        Ok(v1::Satisfaction::Unspecified) | Err(_) => Satisfaction::NotAsked,
    }
}
