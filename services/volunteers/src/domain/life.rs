//! The life cycle of a volunteer: applicant, in process, active, paused, archived, and why.

use chrono::NaiveDate;

use super::Refused;

chassis::coded_enum! {
    /// Where a volunteer stands.
    State, "state of a volunteer" {
        Applicant = "applicant",
        InProcess = "in_process",
        Active = "active",
        Paused = "paused",
        Archived = "archived",
    }
}

chassis::coded_enum! {
    /// Why somebody pauses or has left.
    Reason, "reason" {
        OwnWish = "own_wish",
        Health = "health",
        Family = "family",
        Away = "away",
        MovedAway = "moved_away",
        Died = "died",
        NotAccepted = "not_accepted",
        NotReached = "not_reached",
        ConsentMissing = "consent_missing",
        UnderReview = "under_review",
        RulesBroken = "rules_broken",
        Duplicate = "duplicate",
    }
}

chassis::coded_enum! {
    /// At whose word.
    By, "part" {
        Oneself = "oneself",
        Office = "office",
        /// By itself: a day has come, or a consent is gone.
        Rule = "rule",
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Review,
    /// The volunteer was told of the risks, or not; a guardian's consent is there where one is needed, or not.
    Activate {
        risks_told: bool,
        consented: bool,
    },
    Pause {
        reason: Reason,
        resume_on: Option<NaiveDate>,
    },
    Resume {
        consented: bool,
    },
    Archive {
        reason: Reason,
    },
    Reinstate,
}

impl Action {
    /// What it is called in refusals.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Activate { .. } => "activate",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Archive { .. } => "archive",
            Self::Reinstate => "reinstate",
        }
    }
}

/// Where a volunteer stands, and since which word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub state: State,
    /// Of a pause, or of the end.
    pub reason: Option<Reason>,
    pub resume_on: Option<NaiveDate>,
    /// At whose word it came to this.
    pub by: By,
}

impl Life {
    /// Somebody has applied.
    pub const fn new(by: By) -> Self {
        Self { state: State::Applicant, reason: None, resume_on: None, by }
    }

    /// What it becomes. Nobody decides about an application of their own.
    pub fn apply(self, action: Action, by: By, today: NaiveDate) -> Result<Self, Refused> {
        let wrong = || Refused::WrongState { state: self.state, action: action.code() };
        if by == By::Oneself && matches!(action, Action::Review | Action::Activate { .. } | Action::Reinstate) {
            return Err(Refused::NotForOneself);
        }
        let to = |state| Self { state, reason: None, resume_on: None, by };
        match (self.state, action) {
            (State::Applicant, Action::Review) | (State::Archived, Action::Reinstate) => Ok(to(State::InProcess)),
            (State::InProcess, Action::Activate { risks_told, consented }) => {
                if !risks_told {
                    return Err(Refused::RisksNotTold);
                }
                if consented { Ok(to(State::Active)) } else { Err(Refused::ConsentMissing) }
            }
            (State::Active, Action::Pause { reason, resume_on }) => {
                may_pause(reason, by)?;
                if resume_on.is_some_and(|day| day <= today) {
                    return Err(Refused::field(
                        "resume_on",
                        "is not after today: name the day on which the pause ends",
                    ));
                }
                Ok(Self { reason: Some(reason), resume_on, ..to(State::Paused) })
            }
            (State::Paused, Action::Resume { consented }) => {
                if by == By::Oneself && self.by != By::Oneself {
                    return Err(Refused::NotOneselfs);
                }
                if consented { Ok(to(State::Active)) } else { Err(Refused::ConsentMissing) }
            }
            (State::Applicant | State::InProcess | State::Active | State::Paused, Action::Archive { reason }) => {
                may_archive(reason, by)?;
                Ok(Self { reason: Some(reason), ..to(State::Archived) })
            }
            (
                State::Applicant | State::InProcess | State::Active | State::Paused | State::Archived,
                Action::Review
                | Action::Activate { .. }
                | Action::Pause { .. }
                | Action::Resume { .. }
                | Action::Archive { .. }
                | Action::Reinstate,
            ) => Err(wrong()),
        }
    }
}

fn may_pause(reason: Reason, by: By) -> Result<(), Refused> {
    let fits = match reason {
        Reason::OwnWish | Reason::Health | Reason::Family | Reason::Away => true,
        Reason::NotReached | Reason::UnderReview => by == By::Office,
        Reason::ConsentMissing => by != By::Oneself,
        Reason::MovedAway | Reason::Died | Reason::NotAccepted | Reason::RulesBroken | Reason::Duplicate => false,
    };
    if fits { Ok(()) } else { Err(Refused::ReasonDoesNotFit { reason }) }
}

fn may_archive(reason: Reason, by: By) -> Result<(), Refused> {
    let fits = match reason {
        Reason::OwnWish | Reason::Health | Reason::Family | Reason::MovedAway => true,
        Reason::Died | Reason::NotAccepted | Reason::NotReached | Reason::RulesBroken | Reason::Duplicate => {
            by != By::Oneself
        }
        Reason::Away | Reason::ConsentMissing | Reason::UnderReview => false,
    };
    if fits { Ok(()) } else { Err(Refused::ReasonDoesNotFit { reason }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day")
    }

    fn actions() -> Vec<Action> {
        let mut all = vec![
            Action::Review,
            Action::Activate { risks_told: true, consented: true },
            Action::Activate { risks_told: false, consented: true },
            Action::Activate { risks_told: true, consented: false },
            Action::Resume { consented: true },
            Action::Resume { consented: false },
            Action::Reinstate,
        ];
        for reason in Reason::ALL {
            all.push(Action::Pause { reason: *reason, resume_on: None });
            all.push(Action::Archive { reason: *reason });
        }
        all
    }

    #[test]
    fn every_state_meets_every_action() {
        let mut lines = Vec::new();
        for state in State::ALL {
            for action in actions() {
                for by in [By::Oneself, By::Office] {
                    let life = Life { state: *state, reason: None, resume_on: None, by };
                    let outcome = match life.apply(action, by, today()) {
                        Ok(next) => next.state.code(),
                        Err(Refused::WrongState { .. }) => continue,
                        Err(refused) => refused.reason(),
                    };
                    lines.push(format!("{state:<10} {by:<8} {action:?} -> {outcome}"));
                }
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn only_who_paused_for_oneself_ends_the_pause() {
        let active = Life { state: State::Active, reason: None, resume_on: None, by: By::Office };
        let pause = Action::Pause { reason: Reason::UnderReview, resume_on: None };
        let paused = active.apply(pause, By::Office, today()).expect("paused");
        let resume = Action::Resume { consented: true };
        assert_eq!(paused.apply(resume, By::Oneself, today()), Err(Refused::NotOneselfs));
        assert_eq!(paused.apply(resume, By::Office, today()).map(|life| life.state), Ok(State::Active));
        let pause = Action::Pause { reason: Reason::Away, resume_on: Some(today()) };
        assert!(active.apply(pause, By::Oneself, today()).is_err(), "a pause that is over before it begins");
    }

    proptest! {
        /// Whatever is done: nobody serves who was not accepted, everybody may leave, and a reason stands where one belongs.
        #[test]
        fn nobody_is_held_or_slipped_in(steps in prop::collection::vec((0usize..31, prop::bool::ANY), 0..40)) {
            let actions = actions();
            let mut life = Life::new(By::Oneself);
            let mut accepted = false;
            for (step, oneself) in steps {
                let action = actions[step % actions.len()];
                let by = if oneself { By::Oneself } else { By::Office };
                if let Ok(next) = life.apply(action, by, today()) {
                    accepted |= matches!(action, Action::Activate { risks_told: true, consented: true });
                    life = next;
                }
                prop_assert!(accepted || !matches!(life.state, State::Active | State::Paused));
                prop_assert_eq!(life.reason.is_some(), matches!(life.state, State::Paused | State::Archived));
                let leave = life.apply(Action::Archive { reason: Reason::OwnWish }, By::Oneself, today());
                prop_assert!(leave.is_ok() || life.state == State::Archived);
            }
        }
    }
}
