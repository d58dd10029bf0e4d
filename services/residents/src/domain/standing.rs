//! Whether a resident is here, gone, dead, or a second record of somebody else.

use chrono::NaiveDate;

text_code! {
    /// The state as it is stored and listed.
    pub enum Status("status") {
        Living = "living", ["在册"];
        Left = "left", ["迁出"];
        Died = "died", ["死亡"];
        Merged = "merged", ["已合并"];
    }
}

/// The state of a person's own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Lives here.
    Living,
    /// Moved away on that day.
    Left {
        /// The day.
        on: NaiveDate,
    },
    /// Died on that day.
    Died {
        /// The day.
        on: NaiveDate,
    },
}

/// The state of a record. `Id` is whatever names a resident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<Id> {
    /// A record of its own.
    Own(Presence),
    /// Found to be a second record of somebody; what it said before is kept, so that a merge can be undone.
    Merged {
        /// The record that stands.
        into: Id,
        /// The day of the merge.
        on: NaiveDate,
        /// The state it had and gets back.
        before: Presence,
    },
}

/// Why a change of state is refused, and what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The record was merged.
    #[error("this record was merged into another one; change that one, or undo the merge first")]
    IsMerged,
    /// The person moved away.
    #[error("this person has left already; move them into a household, which records their return")]
    HasLeft,
    /// The person died.
    #[error("this person is recorded as dead, and nothing follows that")]
    HasDied,
    /// Return of somebody who never left.
    #[error("this person has not left, so there is no return to record")]
    HasNotLeft,
    /// Unmerge of a record of its own.
    #[error("this record is not merged, so there is nothing to undo")]
    IsNotMerged,
    /// A date that has not come.
    #[error("the date is in the future; give the day it happened")]
    InFuture,
    /// A return before the leaving.
    #[error("the date lies before {earliest}, the day this person left; check both dates")]
    Reversed {
        /// The day of leaving.
        earliest: NaiveDate,
    },
    /// Both ids are the same.
    #[error("a record cannot be merged into itself; name the other record")]
    IntoItself,
    /// The other record does not stand on its own.
    #[error("the other record was itself merged; name the one that it was merged into")]
    TargetIsMerged,
}

impl<Id: Copy + PartialEq> Standing<Id> {
    /// The state as it is stored and listed.
    pub fn status(&self) -> Status {
        match self {
            Self::Own(Presence::Living) => Status::Living,
            Self::Own(Presence::Left { .. }) => Status::Left,
            Self::Own(Presence::Died { .. }) => Status::Died,
            Self::Merged { .. } => Status::Merged,
        }
    }

    /// Moved away on a day up to today.
    pub fn leave(self, on: NaiveDate, today: NaiveDate) -> Result<Self, Refused> {
        match self.own()? {
            Presence::Living => past(on, today).map(|on| Self::Own(Presence::Left { on })),
            Presence::Left { .. } => Err(Refused::HasLeft),
            Presence::Died { .. } => Err(Refused::HasDied),
        }
    }

    /// Came back on a day from the leaving up to today.
    pub fn return_home(self, on: NaiveDate, today: NaiveDate) -> Result<Self, Refused> {
        match self.own()? {
            Presence::Left { on: left } if on < left => Err(Refused::Reversed { earliest: left }),
            Presence::Left { .. } => past(on, today).map(|_| Self::Own(Presence::Living)),
            Presence::Living => Err(Refused::HasNotLeft),
            Presence::Died { .. } => Err(Refused::HasDied),
        }
    }

    /// Died on a day up to today, here or after moving away.
    pub fn die(self, on: NaiveDate, today: NaiveDate) -> Result<Self, Refused> {
        match self.own()? {
            Presence::Left { on: left } if on < left => Err(Refused::Reversed { earliest: left }),
            Presence::Living | Presence::Left { .. } => past(on, today).map(|on| Self::Own(Presence::Died { on })),
            Presence::Died { .. } => Err(Refused::HasDied),
        }
    }

    /// Found today to be a second record of `into`, whose state is `target`. Any state can be merged, as the dead
    /// are registered twice too; chains cannot, so that undoing one merge never moves another.
    pub fn merge_into(self, own: Id, into: Id, target: &Self, today: NaiveDate) -> Result<Self, Refused> {
        let before = self.own()?;
        if own == into {
            return Err(Refused::IntoItself);
        }
        match target {
            Self::Own(_) => Ok(Self::Merged { into, on: today, before }),
            Self::Merged { .. } => Err(Refused::TargetIsMerged),
        }
    }

    /// Takes a merge back; the record says again what it said before.
    pub fn unmerge(self) -> Result<Self, Refused> {
        match self {
            Self::Merged { before, .. } => Ok(Self::Own(before)),
            Self::Own(_) => Err(Refused::IsNotMerged),
        }
    }

    fn own(self) -> Result<Presence, Refused> {
        match self {
            Self::Own(presence) => Ok(presence),
            Self::Merged { .. } => Err(Refused::IsMerged),
        }
    }
}

fn past(on: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Refused> {
    if on > today { Err(Refused::InFuture) } else { Ok(on) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use chrono::NaiveDate;

    use super::{Presence, Refused, Standing};

    const LIVING: Standing<u8> = Standing::Own(Presence::Living);

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Every state against every action, with all dates on one day.
    #[test]
    fn the_whole_table() {
        let on = day("2026-06-01");
        let states = [
            LIVING,
            Standing::Own(Presence::Left { on }),
            Standing::Own(Presence::Died { on }),
            Standing::Merged { into: 9, on, before: Presence::Living },
        ];
        let mut table = Vec::new();
        for state in states {
            for (action, answer) in [
                ("leave", state.leave(on, on)),
                ("return", state.return_home(on, on)),
                ("die", state.die(on, on)),
                ("merge", state.merge_into(1, 2, &LIVING, on)),
                ("unmerge", state.unmerge()),
            ] {
                let answer = answer.map_or_else(|refused| format!("{refused:?}"), |next| next.status().to_string());
                table.push(format!("{} + {action} = {answer}", state.status()));
            }
        }
        insta::assert_snapshot!(table.join("\n"), @r"
        living + leave = left
        living + return = HasNotLeft
        living + die = died
        living + merge = merged
        living + unmerge = IsNotMerged
        left + leave = HasLeft
        left + return = living
        left + die = died
        left + merge = merged
        left + unmerge = IsNotMerged
        died + leave = HasDied
        died + return = HasDied
        died + die = HasDied
        died + merge = merged
        died + unmerge = IsNotMerged
        merged + leave = IsMerged
        merged + return = IsMerged
        merged + die = IsMerged
        merged + merge = IsMerged
        merged + unmerge = living
        ");
    }

    #[test]
    fn dates_must_have_come_and_be_in_order() {
        let today = day("2026-06-01");
        assert_eq!(LIVING.leave(day("2026-06-02"), today), Err(Refused::InFuture));
        let left = LIVING.leave(day("2026-05-01"), today).unwrap();
        let reversed = Err(Refused::Reversed { earliest: day("2026-05-01") });
        assert_eq!(left.return_home(day("2026-04-30"), today), reversed);
        assert_eq!(left.die(day("2026-04-30"), today), reversed);
        assert_eq!(left.return_home(day("2026-05-01"), today), Ok(LIVING));
    }

    #[test]
    fn a_merge_is_undone_to_what_was_before() {
        let today = day("2026-06-01");
        let dead = LIVING.die(today, today).unwrap();
        let merged = dead.merge_into(1, 2, &LIVING, today).unwrap();
        assert_eq!(merged.unmerge(), Ok(dead));
        assert_eq!(LIVING.merge_into(1, 1, &LIVING, today), Err(Refused::IntoItself));
        assert_eq!(LIVING.merge_into(3, 1, &merged, today), Err(Refused::TargetIsMerged));
    }
}
