use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{dispute::Ruling, *};

/// One attempt: which action, by whom, and how many minutes after the one before. `fitting` steers towards what the
/// state allows; without it hardly any sequence would come to its end.
#[derive(Debug, Clone)]
struct Attempt {
    fitting: bool,
    action: prop::sample::Index,
    actor: prop::sample::Index,
    minutes: i64,
    variant: u8,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = (
        prop::bool::weighted(0.8),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..5000i64,
        any::<u8>(),
    )
        .prop_map(|(fitting, action, actor, minutes, variant)| Attempt {
            fitting,
            action,
            actor,
            minutes,
            variant,
        });
    prop::collection::vec(attempt, 0..60)
}

/// People of whom some have several parts.
fn people() -> Vec<Actor> {
    use ActorKind::{Clerk, Dispatcher, Handler, Reporter, Reviewer, System, Worker};
    [
        (REPORTER, Reporter),
        (REPORTER, Worker),
        ("u-neighbour", Reporter),
        ("u-clerk", Clerk),
        ("u-two-parts", Clerk),
        ("u-two-parts", Handler),
        ("u-handler", Handler),
        ("u-worker", Worker),
        ("u-dispatcher", Dispatcher),
        ("u-handler", Reviewer),
        ("u-manager", Reviewer),
        ("u-dispatcher", Reviewer),
        ("system", System),
    ]
    .map(|(id, kind)| Actor::new(id, kind))
    .to_vec()
}

fn varied(action: Action, variant: u8, now: DateTime<Utc>) -> Command {
    let parent = |id, status, duplicate_of| Command::JoinDuplicate { parent: Parent { id, status, duplicate_of } };
    match (action, variant % 4) {
        (Action::Dispatch, 0) => Command::Dispatch { unit: Unit("sanitation".to_owned()) },
        (Action::DecideDispute, pick) => decide_dispute(pick),
        (Action::AddNote, 0) => Command::AddNote { visibility: Visibility::Internal },
        (Action::ConfirmSolution, pick) => {
            Command::ConfirmSolution { satisfaction: Satisfaction::ALL[usize::from(pick)] }
        }
        (Action::JoinDuplicate, 0) => parent(id(1), Status::Triaged, None),
        (Action::JoinDuplicate, 1) => parent(id(2), Status::Withdrawn, None),
        (Action::JoinDuplicate, 2) => parent(id(2), Status::Duplicate, Some(id(1))),
        (Action::DeclareUnsolvable, pick) => {
            Command::DeclareUnsolvable { next_look_on: (now + TimeDelta::days(i64::from(pick))).date_naive() }
        }
        (Action::RecordCareList, 0 | 1) => Command::RecordBuildingUnknown,
        (action, _) => command(action),
    }
}

fn decide_dispute(pick: u8) -> Command {
    let unit = |code: &str| Unit(code.to_owned());
    let ruling = match pick {
        0 => Ruling::Stays,
        1 => Ruling::Moves { unit: unit("power") },
        2 => Ruling::Shared { main: unit("roads"), with: BTreeSet::from([unit("power")]) },
        _ => Ruling::Elsewhere,
    };
    Command::DecideDispute { ruling, decided_as: promise::Duty::CommunityManager }
}

/// Whether a judgement of the work rests on the word of somebody who is allowed to give it.
fn independent(before: &Incident, timeline: &[Recorded], judging: &Recorded) -> bool {
    let handled: BTreeSet<_> =
        timeline.iter().filter(|entry| entry.actor.kind.handles()).map(|entry| &entry.actor.id).collect();
    let speaks = match judging.actor.kind {
        ActorKind::Reporter => before.reporter.as_ref() == Some(&judging.actor.id),
        kind => kind == ActorKind::Clerk,
    };
    speaks && !handled.contains(&judging.actor.id)
}

fn check_marks(incident: &Incident) -> Result<(), TestCaseError> {
    prop_assert_eq!(incident.duplicate_of.is_some(), incident.status == Status::Duplicate);
    prop_assert_eq!(incident.next_look_on.is_some(), incident.status == Status::Unsolvable);
    prop_assert_eq!(incident.closed_at.is_some(), incident.status == Status::Closed);
    prop_assert!(incident.duplicate_of != Some(incident.id));
    let handing = &incident.handing;
    prop_assert!(!handing.is_disputed() || incident.status.allows(Action::DecideDispute));
    Ok(())
}

proptest! {
    #[test]
    fn no_sequence_breaks_the_rules(attempts in attempts()) {
        let Decision { next: mut incident, events: mut timeline } = reported();
        let mut now = at(0);
        for attempt in attempts {
            now += TimeDelta::minutes(attempt.minutes);
            let actions = if attempt.fitting { incident.status.actions() } else { Action::ALL };
            let action = *attempt.action.get(actions);
            let mut people = people();
            if attempt.fitting {
                people.retain(|person| action.actors().contains(&person.kind));
            }
            let by = attempt.actor.get(&people).clone();
            let possible = incident.status.allows(action);
            match decide(&incident, varied(action, attempt.variant, now), by, now, Policy::default()) {
                Err(refused) => prop_assert_eq!(possible, refused.reason() != "WRONG_STATE"),
                Ok(Decision { next, events }) => {
                    prop_assert!(possible && !events.is_empty());
                    for entry in &events {
                        if matches!(entry.event, Event::Closed { .. } | Event::Reopened | Event::Withdrawn) {
                            prop_assert!(independent(&incident, &timeline, entry), "{:?}", entry);
                        }
                        if matches!(entry.event, Event::DisputeDecided { .. }) {
                            prop_assert!(incident.handing.is_disputed());
                            prop_assert!(incident.handing.by.as_ref() != Some(&entry.actor.id));
                        }
                        match entry.event {
                            Event::BuildingUnknown => prop_assert_eq!(next.need_help, None),
                            Event::CareListDrawn { need_help, .. } => prop_assert_eq!(next.need_help, Some(need_help)),
                            _ => {}
                        }
                        if matches!(entry.event, Event::Closed { .. }) {
                            prop_assert_eq!(incident.status, Status::SolutionProposed);
                        }
                    }
                    timeline.extend(events);
                    incident = next;
                }
            }
            check_marks(&incident)?;
            prop_assert_eq!(incident.version as usize, timeline.len());
            prop_assert_eq!(replay(incident.id, &timeline), Ok(incident.clone()));
        }
    }

    #[test]
    fn every_incident_is_in_every_rate_once(courses in prop::collection::vec(attempts(), 0..8)) {
        let timelines: Vec<_> = courses.iter().map(|attempts| {
            let mut state = (reported().next, reported().events);
            let mut now = at(0);
            for attempt in attempts {
                now += TimeDelta::minutes(attempt.minutes);
                let action = *attempt.action.get(state.0.status.actions());
                let by = attempt.actor.get(&people()).clone();
                if let Ok(next) = step(state.clone(), varied(action, attempt.variant, now), by, now) {
                    state = next;
                }
            }
            state.1
        }).collect();
        let measure = rates::Measure { formulae: rates::Formulae::default(), as_of: at(100_000) };
        let figures = rates::figures(timelines.iter().map(|timeline| (id(1), timeline.as_slice())), measure);
        // What is stored says the same again.
        let stored: Vec<Vec<Recorded>> = timelines.iter().map(|timeline| {
            let text = serde_json::to_string(timeline).expect("events are JSON");
            serde_json::from_str(&text).expect("and come back")
        }).collect();
        let again = rates::figures(stored.iter().map(|timeline| (id(1), timeline.as_slice())), measure);
        prop_assert_eq!(&again, &figures);
        for rate in [&figures.response, &figures.resolution, &figures.satisfaction] {
            prop_assert!(rate.counted <= rate.of);
            prop_assert_eq!(rate.of + rate.excluded.values().map(Vec::len).sum::<usize>() as u64, figures.incidents);
        }
    }
}
