use proptest::prelude::*;

use super::*;
use crate::domain::ActorKind;

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_413_200, 0).expect("a real time") + chrono::TimeDelta::hours(hours)
}

fn by(kind: ActorKind) -> Actor {
    Actor::new(format!("u-{kind}"), kind)
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// Steps by whoever may take them first, each at its hour.
fn course(steps: Vec<(i64, Command)>) -> Result<(Matter, Vec<Taken>), Refused> {
    let (mut matter, first) = raise(3, by(ActorKind::Reporter), at(0), MatterRules::default());
    let mut entries = vec![first];
    for (hours, command) in steps {
        let kind = command.actors()[0];
        let (next, taken) = decide(&matter, command, by(kind), at(hours), MatterRules::default())?;
        entries.push(taken);
        matter = next;
    }
    Ok((matter, entries))
}

fn to_evaluation() -> Vec<(i64, Command)> {
    vec![
        (1, Command::CallMeeting { at: at(24) }),
        (25, Command::RecordMeeting { outcome: MeetingOutcome::Act, present: vec![] }),
        (26, Command::SetTask { unit: Unit("lights".to_owned()), due_on: day("2026-03-20") }),
        (30, Command::ReportTask { number: 1, done: true }),
        (31, Command::StartEvaluation { until: at(100) }),
    ]
}

#[test]
fn the_four_steps_and_back_again() {
    let dissatisfied = Satisfaction::Dissatisfied;
    let mut steps = to_evaluation();
    steps.extend([
        (40, Command::Rate { satisfaction: dissatisfied }),
        (41, Command::Rate { satisfaction: dissatisfied }),
    ]);
    steps.push((42, Command::Rate { satisfaction: Satisfaction::Satisfied }));
    let (evaluated, _) = course(steps.clone()).expect("a course that the rules allow");
    assert_eq!(evaluated.ratings, Ratings { satisfied: 1, basically_satisfied: 0, dissatisfied: 2 });
    let close = || Command::Conclude { conclusion: Conclusion::Close };
    let conclude = |hours| decide(&evaluated, close(), by(ActorKind::Reviewer), at(hours), MatterRules::default());
    assert_eq!(conclude(99), Err(Refused::StillRating { until: at(100) }));
    assert_eq!(conclude(100), Err(Refused::NotSatisfied { percent: 80 }));

    steps.extend([
        (101, Command::Conclude { conclusion: Conclusion::Do }),
        (102, Command::SetTask { unit: Unit("lights".to_owned()), due_on: day("2026-03-25") }),
        (103, Command::ReportTask { number: 2, done: true }),
        (104, Command::StartEvaluation { until: at(200) }),
        (105, Command::Rate { satisfaction: Satisfaction::BasicallySatisfied }),
        (200, close()),
    ]);
    let (closed, entries) = course(steps).expect("the second time they are satisfied");
    assert_eq!((closed.stage, closed.round, closed.due_at), (Stage::Closed, 2, None));
    assert_eq!(replay(&entries), Ok(closed));
}

#[test]
fn no_new_round_without_new_work() {
    let mut steps = to_evaluation();
    steps.extend([
        (100, Command::Conclude { conclusion: Conclusion::Do }),
        (101, Command::StartEvaluation { until: at(300) }),
    ]);
    assert_eq!(course(steps), Err(Refused::TasksOpen));
}

#[test]
fn whoever_worked_on_it_neither_rates_nor_concludes_it() {
    let (matter, _) = course(to_evaluation()).expect("allowed");
    let worked = Actor::new("u-handler", ActorKind::Clerk);
    let rate = Command::Rate { satisfaction: Satisfaction::Satisfied };
    let refused = decide(&matter, rate, worked, at(50), MatterRules::default());
    assert_eq!(refused, Err(Refused::NotIndependent { step: StepKind::Rated }));
    let worked = Actor::new("u-handler", ActorKind::Reviewer);
    let refused =
        decide(&matter, Command::Conclude { conclusion: Conclusion::Do }, worked, at(150), MatterRules::default());
    assert_eq!(refused, Err(Refused::NotIndependent { step: StepKind::Concluded }));
}

#[test]
fn a_meeting_is_recorded_when_it_was_held() {
    let early = course(vec![
        (1, Command::CallMeeting { at: at(24) }),
        (23, Command::RecordMeeting { outcome: MeetingOutcome::Act, present: vec![] }),
    ]);
    assert_eq!(early, Err(Refused::MeetingAhead { at: at(24) }));
    let past = course(vec![(2, Command::CallMeeting { at: at(2) })]);
    assert_eq!(past, Err(Refused::NotAhead { field: "at" }));
}

fn command(pick: u8, hours: i64) -> Command {
    let outcomes = MeetingOutcome::ALL;
    match pick % 12 {
        0 => Command::AddVoice { households: 2 },
        1 => Command::Gather { incident: IncidentId(Uuid::from_u128(1)) },
        2 => Command::CallMeeting { at: at(hours + 1) },
        3 => Command::RecordMeeting { outcome: outcomes[usize::from(pick) % 2], present: vec![] },
        4 => Command::SetTask { unit: Unit("lights".to_owned()), due_on: at(hours + 72).date_naive() },
        5 => Command::ReportTask { number: 1 + u32::from(pick / 12), done: pick.is_multiple_of(2) },
        6 => Command::StartEvaluation { until: at(hours + 2) },
        7 => Command::Rate { satisfaction: Satisfaction::ALL[usize::from(pick) % 4] },
        8 => Command::Conclude { conclusion: Conclusion::ALL[usize::from(pick / 12) % 3] },
        9 => Command::AddNote { visibility: Visibility::Public },
        10 => Command::RecordOverdue,
        _ => Command::Conclude { conclusion: Conclusion::Close },
    }
}

proptest! {
    /// Whatever is tried, entries tell the whole matter, and it closes only on the word of those whom it concerns.
    #[test]
    fn no_sequence_closes_a_matter_that_does_not_satisfy(picks in prop::collection::vec((any::<u8>(), 0..30i64), 0..80)) {
        let (mut matter, first) = raise(1, by(ActorKind::Reporter), at(0), MatterRules::default());
        let (mut entries, mut hours) = (vec![first], 0);
        for (pick, later) in picks {
            hours += later;
            let command = command(pick, hours);
            let kind = command.actors()[0];
            let before = matter.clone();
            if let Ok((next, taken)) = decide(&matter, command, by(kind), at(hours), MatterRules::default()) {
                if next.stage == Stage::Closed && before.stage != Stage::Closed {
                    prop_assert!(before.ratings.suffice(80) && before.stage == Stage::Evaluate);
                }
                prop_assert!(before.stage != Stage::Closed || next.stage == Stage::Closed);
                entries.push(taken);
                matter = next;
            }
            prop_assert_eq!(matter.version as usize, entries.len());
            prop_assert_eq!(matter.due_at.is_some(), !matches!(matter.stage, Stage::Closed | Stage::Dropped));
            prop_assert_eq!(matter.until.is_some(), matter.stage == Stage::Evaluate);
            prop_assert_eq!(replay(&entries), Ok(matter.clone()));
        }
    }
}
