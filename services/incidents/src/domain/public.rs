//! What the public is shown, and in which words.
//!
//! Everything here is a list of what may be shown: a state, an entry or a text that is not named stays inside.

use super::{
    actor::ActorKind,
    event::EventKind,
    status::{Channel, Status, Visibility},
};

/// The same in Chinese and in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wording {
    pub zh: &'static str,
    pub en: &'static str,
}

const fn say(zh: &'static str, en: &'static str) -> Wording {
    Wording { zh, en }
}

/// A state in the words of whoever waits.
pub const fn wording(status: Status) -> Wording {
    match status {
        Status::Reported => say("已收到，等待核实", "Received"),
        Status::Triaged => say("已核实，等待派单", "Looked at, to be given to a unit"),
        Status::Dispatched => say("已派给责任单位", "Given to the unit in charge"),
        Status::Accepted => say("责任单位已接单", "Taken on by the unit in charge"),
        Status::InProgress => say("正在办理", "Being worked on"),
        Status::WaitingReporter => say("等待反映人补充情况", "Waiting for an answer from the reporter"),
        Status::SolutionProposed => say("已办理，等待确认", "Done, to be confirmed"),
        Status::Closed => say("已办结", "Closed"),
        Status::Withdrawn => say("反映人已撤回", "Taken back by the reporter"),
        Status::Duplicate => say("与另一件合并办理", "Handled together with another report"),
        Status::Unsolvable => say("暂时无法解决，到期再看", "Cannot be solved now; looked at again later"),
        Status::Referred => say("已转其他部门", "Passed on to somebody else"),
    }
}

/// Whether somebody still has to act. What cannot be solved now has a day of its next look, and so is not at its end.
pub const fn is_open(status: Status) -> bool {
    !matches!(status, Status::Closed | Status::Withdrawn | Status::Duplicate | Status::Referred)
}

/// The states that are open, or those that are not.
pub fn states(open: bool) -> Vec<Status> {
    Status::ALL.iter().copied().filter(|status| is_open(*status) == open).collect()
}

/// Whether a report came for the public: whoever sent it was told that what it says is shown.
pub const fn came_for_the_public(channel: Channel) -> bool {
    matches!(channel, Channel::Open311)
}

/// What happened, in words; none for what only the office reads.
pub const fn step(kind: EventKind) -> Option<Wording> {
    Some(match kind {
        EventKind::Reported => say("已收到", "Received"),
        EventKind::Triaged => say("已核实", "Looked at"),
        EventKind::Dispatched => say("已派单", "Given to a unit"),
        EventKind::Accepted => say("已接单", "Taken on"),
        EventKind::WorkStarted => say("开始办理", "Work has begun"),
        EventKind::NoteAdded => say("有新进展", "There is news"),
        EventKind::ReporterAsked => say("向反映人询问情况", "The reporter was asked something"),
        EventKind::Answered => say("反映人已答复", "The reporter has answered"),
        EventKind::SolutionProposed => say("已办理，等待确认", "Done, to be confirmed"),
        EventKind::Closed => say("已办结", "Closed"),
        EventKind::Reopened => say("重新办理", "Taken up again"),
        EventKind::Withdrawn => say("反映人已撤回", "Taken back by the reporter"),
        EventKind::JoinedDuplicate => say("与另一件合并办理", "Joined to another report"),
        EventKind::SplitOff => say("恢复单独办理", "Handled by itself again"),
        EventKind::LeadTold => say("合并办理的事项有新进展", "There is news of what it was joined to"),
        EventKind::DeclaredUnsolvable => say("暂时无法解决，到期再看", "Cannot be solved now; looked at again later"),
        EventKind::ReferredElsewhere => say("已转其他部门", "Passed on to somebody else"),
        EventKind::Promised => say("已承诺办理时限", "Promised for a day"),
        EventKind::PromiseExtended => say("办理时限已延长", "Promised for a later day"),
        _ => return None,
    })
}

/// The kinds of entries that the public may be told of.
pub fn steps() -> Vec<EventKind> {
    EventKind::ALL.iter().copied().filter(|kind| step(*kind).is_some()).collect()
}

/// Whether the text of a public entry is shown where the report came for the public: what the office wrote for its
/// reporter, and what was added the way the report came. What a reporter answered or gave as a reason is not.
pub const fn shows_text(kind: EventKind, by: ActorKind, visibility: Visibility) -> bool {
    let shown = match kind {
        EventKind::NoteAdded => true,
        EventKind::Dispatched
        | EventKind::ReporterAsked
        | EventKind::SolutionProposed
        | EventKind::DeclaredUnsolvable
        | EventKind::PromiseExtended => !matches!(by, ActorKind::Reporter),
        _ => false,
    };
    shown && matches!(visibility, Visibility::Public)
}

/// The id that the public knows an entry by: it never changes, and says nothing new.
pub fn entry_id(number: &str, version: i64) -> String {
    format!("{number}.{version}")
}

/// A degree to a thousandth, about 100 m: a place, and nobody's door.
pub fn coarse(degrees: f64) -> f64 {
    (degrees * 1_000.0).round() / 1_000.0
}

/// The number that somebody typed or read out: Crockford's base 32 takes O for 0, and I and L for 1. None: it is none.
pub fn typed_number(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let (day, tail) = digits.split_at_checked(8)?;
    let is_digit = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && c != 'U');
    (day.bytes().all(|b| b.is_ascii_digit()) && tail.len() == 6 && tail.chars().all(is_digit))
        .then(|| format!("{day}-{tail}"))
}

/// Whether a phone number ends in these digits, however it is written.
pub fn ends_in(phone: &str, suffix: &str) -> bool {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    digits.len() >= suffix.len() && digits.ends_with(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_understood_as_people_write_it() {
        for typed in ["20261122-7K3M91", "202611227k3m91", " 20261122 7K3M9I ", "2O261122-7k3m9l"] {
            assert_eq!(typed_number(typed).as_deref(), Some("20261122-7K3M91"), "{typed}");
        }
        for none in [
            "",
            "20261122",
            "20261122-7K3M9",
            "20261122-7K3M9U",
            "20261122-7K3M9QX",
            "2026112X-7K3M9Q",
            "邻聚邻聚邻聚邻聚邻聚",
        ] {
            assert_eq!(typed_number(none), None, "{none}");
        }
    }

    #[test]
    fn a_phone_number_ends_as_it_is_dialled() {
        assert!(ends_in("139 1234-1550", "1550") && ends_in("+86 (0827) 321 1550", "1550"));
        assert!(!ends_in("13912341550", "5501") && !ends_in("550", "1550") && !ends_in("", "1550"));
    }

    #[test]
    fn what_is_not_named_stays_inside() {
        for kind in [
            EventKind::Returned,
            EventKind::CareListDrawn,
            EventKind::BuildingUnknown,
            EventKind::Corrected,
            EventKind::PromiseWarned,
            EventKind::PromiseEscalated,
        ] {
            assert_eq!(step(kind), None, "{kind}");
        }
        for kind in EventKind::ALL.iter().copied() {
            assert!(!shows_text(kind, ActorKind::Dispatcher, Visibility::Internal), "{kind}");
        }
        let shown = |kind, by| shows_text(kind, by, Visibility::Public);
        assert!(shown(EventKind::SolutionProposed, ActorKind::Handler));
        assert!(shown(EventKind::NoteAdded, ActorKind::Reporter), "they added it for everybody");
        assert!(!shown(EventKind::Answered, ActorKind::Clerk) && !shown(EventKind::Reopened, ActorKind::Reporter));
        assert!(!shown(EventKind::Reported, ActorKind::Reporter));
    }

    #[test]
    fn every_state_is_open_or_at_its_end() {
        let (open, ended) = (states(true), states(false));
        assert_eq!(open.len() + ended.len(), Status::ALL.len());
        assert_eq!(ended, [Status::Closed, Status::Withdrawn, Status::Duplicate, Status::Referred]);
    }

    #[test]
    fn a_coarse_point_is_no_door() {
        assert_eq!((coarse(31.860_49), coarse(-118.266_861_909)).0.to_string(), "31.86");
        assert!((coarse(-118.266_861_909) + 118.267).abs() < 1e-9);
    }
}
