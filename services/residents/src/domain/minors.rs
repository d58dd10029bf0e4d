//! Looking at the record of somebody under 18: who may, for how long, and what becomes of the leave to do so.

use chrono::NaiveDate;

use super::person::age_on;

/// From this age on nobody is a minor (Law on the Protection of Minors, Art. 2).
pub const OF_AGE: u32 = 18;

/// Whether somebody born on `birth_date` is a minor on `day`. Whoever is not born yet is one.
pub fn is_minor(birth_date: NaiveDate, day: NaiveDate) -> bool {
    age_on(birth_date, day).is_none_or(|age| age < OF_AGE)
}

text_code! {
    /// Where the leave to look at one record stands.
    pub enum AccessState("minor_access_state") {
        Requested = "requested", ["待审批"];
        Approved = "approved", ["已批准"];
        Declined = "declined", ["未批准"];
        /// Taken back by the reader, or ended before its time.
        Ended = "ended", ["已终止"];
        /// Opened in an emergency; nobody has reviewed it yet.
        ToReview = "to_review", ["待复核"];
        InOrder = "in_order", ["复核通过"];
        NotInOrder = "not_in_order", ["复核未通过"];
    }
}

/// What somebody does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessAction {
    Approve,
    Decline,
    End,
    Review { in_order: bool },
}

/// Why it cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefused {
    #[error("nobody decides on their own look at a minor's record: ask another manager")]
    OwnRequest,
    #[error("this is {} and cannot be changed that way: read it again", .0.as_str())]
    WrongState(AccessState),
}

impl AccessState {
    /// The state after `action` of `actor`, on what `reader` asked for or did.
    pub fn apply(self, action: AccessAction, actor: &str, reader: &str) -> Result<Self, AccessRefused> {
        use AccessAction as Do;
        let next = match (self, action) {
            (Self::Requested, Do::Approve) => Self::Approved,
            (Self::Requested, Do::Decline) => Self::Declined,
            (Self::Requested | Self::Approved, Do::End) => Self::Ended,
            (Self::ToReview, Do::Review { in_order: true }) => Self::InOrder,
            (Self::ToReview, Do::Review { in_order: false }) => Self::NotInOrder,
            (
                Self::Requested
                | Self::Approved
                | Self::Declined
                | Self::Ended
                | Self::ToReview
                | Self::InOrder
                | Self::NotInOrder,
                _,
            ) => return Err(AccessRefused::WrongState(self)),
        };
        if actor == reader && action != Do::End {
            return Err(AccessRefused::OwnRequest);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_of_age_on_the_eighteenth_birthday() {
        let day = |text: &str| text.parse().expect("a day");
        assert!(is_minor(day("2008-11-24"), day("2026-11-23")));
        assert!(!is_minor(day("2008-11-23"), day("2026-11-23")));
        assert!(is_minor(day("2008-02-29"), day("2026-02-28")));
        assert!(!is_minor(day("2008-02-29"), day("2026-03-01")));
        assert!(is_minor(day("2027-01-01"), day("2026-11-23")), "not born yet");
    }

    #[test]
    fn every_state_and_action() {
        let actions = [
            AccessAction::Approve,
            AccessAction::Decline,
            AccessAction::End,
            AccessAction::Review { in_order: true },
            AccessAction::Review { in_order: false },
        ];
        let mut moves = Vec::new();
        for state in AccessState::ALL {
            for action in actions {
                let by_other = state.apply(action, "m", "w");
                if let Ok(next) = by_other {
                    moves.push(format!("{state} {action:?} {next}"));
                    let by_reader = state.apply(action, "w", "w");
                    let may = action == AccessAction::End;
                    assert_eq!(by_reader, if may { Ok(next) } else { Err(AccessRefused::OwnRequest) });
                } else {
                    assert_eq!(by_other, Err(AccessRefused::WrongState(*state)));
                }
            }
        }
        let expected = [
            "requested Approve approved",
            "requested Decline declined",
            "requested End ended",
            "approved End ended",
            "to_review Review { in_order: true } in_order",
            "to_review Review { in_order: false } not_in_order",
        ];
        assert_eq!(moves, expected);
    }
}
