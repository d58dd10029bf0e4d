//! When somebody is told that time runs out, and who.

use chrono::TimeDelta;
use thiserror::Error;

use crate::domain::codes::coded_enum;

coded_enum! {
    /// With whom a matter lies, from the bottom of the ladder to its top.
    Duty, "duty" {
        /// The unit that has it.
        Unit = "unit",
        Dispatcher = "dispatcher",
        CommunityManager = "community_manager",
        SubdistrictManager = "subdistrict_manager",
    }
}

/// From so many percent of the time on it lies with somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub percent: u16,
    pub duty: Duty,
}

/// What an office sets for all its promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Percent, from low to high.
    warnings: Vec<u16>,
    /// From low to high.
    ladder: Vec<Rung>,
    /// The most that questions to the reporter may hold up one incident, by the calendar.
    pub pause: TimeDelta,
}

/// Rules that contradict themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadLadder {
    #[error("the steps of warnings and of the ladder must be 1 to 1000 percent, each once")]
    Steps,
    #[error("the ladder must lead up: unit, dispatcher, community_manager, subdistrict_manager")]
    Order,
    #[error("the longest pause must be 0 to 8760 hours")]
    Pause,
}

impl Default for Rules {
    fn default() -> Self {
        let rung = |percent, duty| Rung { percent, duty };
        Self {
            warnings: vec![50, 80],
            ladder: vec![
                rung(100, Duty::Dispatcher),
                rung(150, Duty::CommunityManager),
                rung(300, Duty::SubdistrictManager),
            ],
            pause: TimeDelta::hours(72),
        }
    }
}

impl Rules {
    /// The same with what an office sets itself.
    pub fn with(
        self,
        warnings: Option<Vec<u16>>,
        ladder: Option<Vec<Rung>>,
        pause_hours: Option<i64>,
    ) -> Result<Self, BadLadder> {
        let mut warnings = warnings.unwrap_or(self.warnings);
        let mut ladder = ladder.unwrap_or(self.ladder);
        let pause_hours = pause_hours.unwrap_or(self.pause.num_hours());
        warnings.sort_unstable();
        ladder.sort_by_key(|rung| rung.percent);
        let mut steps: Vec<_> = warnings.iter().copied().chain(ladder.iter().map(|rung| rung.percent)).collect();
        steps.sort_unstable();
        if steps.windows(2).any(|two| two[0] == two[1]) || !steps.iter().all(|percent| (1..=1000).contains(percent)) {
            return Err(BadLadder::Steps);
        }
        if ladder.windows(2).any(|two| two[0].duty > two[1].duty) {
            return Err(BadLadder::Order);
        }
        if !(0..=8760).contains(&pause_hours) {
            return Err(BadLadder::Pause);
        }
        Ok(Self { warnings, ladder, pause: TimeDelta::hours(pause_hours) })
    }

    /// All steps, from low to high.
    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = u16> + use<> {
        let mut steps: Vec<_> =
            self.warnings.iter().copied().chain(self.ladder.iter().map(|rung| rung.percent)).collect();
        steps.sort_unstable();
        steps.into_iter()
    }

    /// With whom it lies from this step on; none: it stays where it is.
    pub(super) fn duty_at(&self, percent: u16) -> Option<Duty> {
        let rung = self.ladder.iter().rev().find(|rung| rung.percent <= percent);
        rung.filter(|_| !self.warnings.contains(&percent)).map(|rung| rung.duty)
    }
}
