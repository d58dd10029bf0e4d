//! How alarms are gathered: 400 at once are a handful of things to look at.

use std::collections::{HashMap, HashSet};

use chassis::data::{AreaCode, AreaLevel};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{AlarmKind, AlarmRules};

chassis::typed_id!(
    /// Names a situation.
    SituationId
);

/// An open situation, as far as gathering needs to know it, with what this batch adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    pub id: SituationId,
    pub kind: AlarmKind,
    /// The smallest area that holds all of it.
    pub area: AreaCode,
    /// Single places are no longer told apart in it.
    pub storm: bool,
    pub last_at: DateTime<Utc>,
    /// 1 to 4; 0: not said.
    pub priority: i32,
    /// It was opened by this batch.
    pub opened: bool,
    /// What this batch adds.
    pub alarms: i32,
    pub repeats: i32,
    pub devices: i32,
}

/// What a device last said of one kind, and where that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub situation: SituationId,
    pub last_at: DateTime<Utc>,
    /// When a person looked at the situation; none while it is open.
    pub verified_at: Option<DateTime<Utc>>,
}

/// One alarm to be put somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    pub device: Uuid,
    pub kind: AlarmKind,
    pub area: AreaCode,
    pub priority: i32,
    /// What is set for the device.
    pub damping: Option<TimeDelta>,
}

/// What became of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is the first of a new situation.
    Opened,
    /// It adds to an open one.
    Joined,
    /// The device only said it again.
    Repeated,
    /// A person has just looked: nobody is bothered again so soon.
    Damped,
}

/// Open situations and marks, as the alarms of one batch change them.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    open: Vec<Gathered>,
    marks: HashMap<(Uuid, AlarmKind), Mark>,
    marked: HashSet<(Uuid, AlarmKind)>,
}

impl Desk {
    /// Starts from what is open and what the devices said before.
    pub fn new(open: Vec<Gathered>, marks: HashMap<(Uuid, AlarmKind), Mark>) -> Self {
        Self { open, marks, marked: HashSet::new() }
    }

    /// Puts an alarm that came at `now` into a situation; `id` is for a new one.
    pub fn take(
        &mut self,
        alarm: Alarm,
        id: SituationId,
        now: DateTime<Utc>,
        rules: &AlarmRules,
    ) -> (SituationId, How) {
        let key = (alarm.device, alarm.kind);
        let (situation, how) = match self.marks.get(&key).copied() {
            Some(mark) if mark.verified_at.is_none() => {
                let how = if now - mark.last_at < rules.repeat { How::Repeated } else { How::Joined };
                (mark.situation, how)
            }
            Some(Mark { situation, verified_at: Some(looked), .. })
                if now < looked + alarm.damping.unwrap_or(alarm.kind.damping()) =>
            {
                (situation, How::Damped)
            }
            _ => self.gather(alarm, id, now, rules),
        };
        let is_new_here = self.marks.get(&key).is_none_or(|mark| mark.situation != situation);
        if how != How::Damped
            && let Some(gathered) = self.open.iter_mut().find(|gathered| gathered.id == situation)
        {
            gathered.alarms += 1;
            gathered.repeats += i32::from(how == How::Repeated);
            gathered.devices += i32::from(is_new_here);
            gathered.last_at = gathered.last_at.max(now);
            gathered.priority = most_urgent(gathered.priority, alarm.priority);
        }
        let verified_at = self.marks.get(&key).filter(|mark| mark.situation == situation).and_then(|m| m.verified_at);
        self.marks.insert(key, Mark { situation, last_at: now, verified_at });
        self.marked.insert(key);
        (situation, how)
    }

    /// The narrowest open situation around it, or a new one: of its own place, or of all the community or subdistrict where
    /// so much is open there that it is a storm.
    fn gather(&mut self, alarm: Alarm, id: SituationId, now: DateTime<Utc>, rules: &AlarmRules) -> (SituationId, How) {
        let Alarm { device: _, kind, area, priority, damping: _ } = alarm;
        let live = |gathered: &&Gathered| gathered.kind == kind && now - gathered.last_at <= rules.window;
        let around = self.open.iter().filter(live).filter(|gathered| gathered.area.contains(area));
        if let Some(narrowest) = around.max_by_key(|gathered| gathered.area.level()) {
            return (narrowest.id, How::Joined);
        }
        let beside = |level| {
            let all = area.at(level).unwrap_or(area);
            (all, self.open.iter().filter(live).filter(|gathered| all.contains(gathered.area)).count())
        };
        let (subdistrict, in_subdistrict) = beside(AreaLevel::Subdistrict);
        let (community, in_community) = beside(AreaLevel::Community);
        let (area, storm) = if in_subdistrict >= rules.subdistrict {
            (subdistrict, true)
        } else if in_community >= rules.community {
            (community, true)
        } else {
            (area, false)
        };
        let gathered =
            Gathered { id, kind, area, storm, last_at: now, priority, opened: true, alarms: 0, repeats: 0, devices: 0 };
        self.open.push(gathered);
        (id, How::Opened)
    }

    /// The situations that this batch has changed.
    pub fn changed(&self) -> impl Iterator<Item = &Gathered> {
        self.open.iter().filter(|gathered| gathered.alarms > 0)
    }

    /// The marks that this batch has set.
    pub fn marked(&self) -> impl Iterator<Item = ((Uuid, AlarmKind), Mark)> {
        self.marked.iter().filter_map(|key| Some((*key, *self.marks.get(key)?)))
    }
}

/// 1 is the most urgent; 0 says nothing.
fn most_urgent(one: i32, other: i32) -> i32 {
    match (one, other) {
        (0, said) | (said, 0) => said,
        _ => one.min(other),
    }
}
