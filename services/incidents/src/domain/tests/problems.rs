//! Several reports of one problem: whatever is done to them, in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::problem::{Done, concerns_others, follow, waits};

/// Reports with their timelines, as the store keeps them.
#[derive(Debug, Default)]
struct World(BTreeMap<IncidentId, (Incident, Vec<Recorded>)>);

impl World {
    fn new(reports: u128) -> Self {
        let made = (1..=reports).map(|number| {
            let reporter = format!("u-reporter-{number}");
            let new = Report { channel: Channel::App, reporter: Some(Subject(reporter.clone())), category: None };
            let Decision { next, events } = report(
                id(number),
                new,
                Actor::new(reporter, ActorKind::Reporter),
                at(i64::try_from(number).unwrap_or(0)),
            );
            (id(number), (next, events))
        });
        Self(made.collect())
    }

    fn get(&self, id: IncidentId) -> &Incident {
        &self.0[&id].0
    }

    fn timeline(&self, id: IncidentId) -> &[Recorded] {
        &self.0[&id].1
    }

    fn write(&mut self, decision: Decision) {
        let entry = self.0.get_mut(&decision.next.id).expect("a report of the world");
        entry.0 = decision.next;
        entry.1.extend(decision.events);
    }

    fn joined_to(&self, lead: IncidentId) -> Vec<Incident> {
        self.0
            .values()
            .map(|(incident, _)| incident)
            .filter(|incident| incident.duplicate_of == Some(lead))
            .cloned()
            .collect()
    }

    /// What a join to `parent` comes down to, as the app asks for it.
    fn parent(&self, of: IncidentId, parent: IncidentId) -> Parent {
        let lead = self.get(parent).duplicate_of.filter(|lead| *lead != of).unwrap_or(parent);
        let lead = self.get(lead);
        Parent { id: lead.id, status: lead.status, duplicate_of: lead.duplicate_of }
    }

    fn act(&mut self, of: IncidentId, command: Command, by: Actor, now: DateTime<Utc>) -> Result<(), Refused> {
        let before = self.get(of).clone();
        let decision = decide(&before, command, by, now, Policy::default())?;
        let (after, events) = (decision.next.clone(), decision.events.clone());
        let joined = self.joined_to(of);
        self.write(decision);
        if concerns_others(&events) {
            let target = match events[0].event {
                Event::JoinedDuplicate { duplicate_of, .. } => Some(self.get(duplicate_of).clone()),
                _ => None,
            };
            let done = Done { before: &before, after: &after, events: &events };
            for follow in follow(done, &joined, target.as_ref(), now) {
                assert_eq!(follow.words.len(), follow.decision.events.len());
                self.write(follow.decision);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (incident, timeline) in self.0.values() {
            prop_assert_eq!(replay(incident.id, timeline), Ok(incident.clone()));
            prop_assert_eq!(incident.version as usize, timeline.len());
            let Some(lead) = incident.duplicate_of else {
                prop_assert!(incident.status != Status::Duplicate);
                continue;
            };
            let lead = self.get(lead);
            prop_assert_eq!(lead.duplicate_of, None, "no chain");
            if waits(incident) {
                prop_assert!(lead.status != Status::Withdrawn, "somebody leads");
                let settled = matches!(lead.status, Status::SolutionProposed | Status::Closed);
                prop_assert_eq!(
                    incident.status == Status::SolutionProposed,
                    settled,
                    "asked exactly when there is what to ask"
                );
                let told = timeline.iter().rev().find(|entry| entry.answers_reporter());
                prop_assert!(!settled || told.is_some(), "nobody is left without an answer");
            }
        }
        Ok(())
    }
}

fn people(reports: u128) -> Vec<Actor> {
    let staff = [ActorKind::Clerk, ActorKind::Dispatcher, ActorKind::Handler, ActorKind::Worker].map(actor);
    let reporters = (1..=reports).map(|number| Actor::new(format!("u-reporter-{number}"), ActorKind::Reporter));
    reporters.chain(staff).chain([Actor::new("u-handler", ActorKind::Clerk)]).collect()
}

const REPORTS: u128 = 5;

fn joined_world() -> World {
    let mut world = World::new(REPORTS);
    for number in 2..=4 {
        let parent = world.parent(id(number), id(1));
        world.act(id(number), Command::JoinDuplicate { parent }, actor(ActorKind::Clerk), at(10)).expect("may join");
    }
    world
}

fn lead_to(world: &mut World, actions: &[Action]) {
    lead_with(world, id(1), actions);
}

fn lead_with(world: &mut World, lead: IncidentId, actions: &[Action]) {
    for (minute, action) in (20..).zip(actions) {
        let by = actor(action.actors()[0]);
        world.act(lead, command(*action), by, at(minute)).expect("the usual course");
    }
}

/// Entries of every kind that only the reports of one problem have.
pub(super) fn told() -> Vec<Recorded> {
    let mut world = joined_world();
    let clerk = || actor(ActorKind::Clerk);
    world.act(id(4), Command::SplitOff, clerk(), at(11)).expect("is joined");
    world.act(id(1), Command::Withdraw, clerk(), at(12)).expect("may withdraw");
    lead_with(&mut world, id(2), &TO_PROPOSED);
    world.0.into_values().flat_map(|(_, timeline)| timeline).collect()
}

const TO_PROPOSED: [Action; 5] =
    [Action::Triage, Action::Dispatch, Action::Accept, Action::StartWork, Action::ProposeSolution];

#[test]
fn each_reporter_judges_alone() {
    let mut world = joined_world();
    lead_to(&mut world, &TO_PROPOSED);
    let own = |number: u128| Actor::new(format!("u-reporter-{number}"), ActorKind::Reporter);
    let confirm = Command::ConfirmSolution { satisfaction: Satisfaction::Satisfied };
    let of_handler = Actor::new("u-handler", ActorKind::Clerk);
    let refused = world.act(id(2), confirm.clone(), of_handler, at(40));
    assert_eq!(refused, Err(Refused::NotIndependent { action: Action::ConfirmSolution }), "it worked on the problem");
    world.act(id(2), confirm.clone(), own(2), at(41)).expect("its own report");
    world.act(id(3), Command::Reopen, own(3), at(42)).expect("not satisfied");
    assert_eq!(world.get(id(2)).status, Status::Closed);
    assert_eq!((world.get(id(3)).status, world.get(id(3)).duplicate_of), (Status::Reported, None));
    assert_eq!(
        (world.get(id(1)).status, world.get(id(4)).status),
        (Status::SolutionProposed, Status::SolutionProposed)
    );
    world.act(id(1), confirm, own(1), at(43)).expect("the lead's own");
    assert_eq!(world.get(id(4)).status, Status::SolutionProposed, "still to be asked");
    world.act(id(1), Command::Reopen, own(1), at(44)).expect("after all not");
    assert_eq!((world.get(id(4)).status, world.get(id(2)).status), (Status::Duplicate, Status::Closed));
    let names: Vec<_> = world.timeline(id(4)).iter().map(|entry| entry.actor.id.0.as_str()).collect();
    assert!(!names.iter().any(|name| ["u-reporter-1", "u-reporter-2"].contains(name)), "{names:?}");
}

#[test]
fn a_withdrawn_lead_passes_on_where_it_stood() {
    let mut world = joined_world();
    lead_to(&mut world, &TO_PROPOSED[..4]);
    world.act(id(1), Command::Withdraw, Actor::new("u-reporter-1", ActorKind::Reporter), at(40)).expect("may withdraw");
    let (next, old) = (world.get(id(2)), world.get(id(1)));
    assert_eq!(
        (next.status, next.duplicate_of, next.unit.clone()),
        (Status::InProgress, None, Some(Unit("roads".to_owned())))
    );
    assert!(next.worked_by.contains(&Subject("u-handler".to_owned())));
    assert_eq!((old.status, old.duplicate_of), (Status::Withdrawn, Some(id(2))));
    assert_eq!(world.joined_to(id(2)).len(), 3);
    world.check().expect("in order");
}

#[test]
fn who_comes_late_hears_the_solution_at_once() {
    let mut world = joined_world();
    lead_to(&mut world, &TO_PROPOSED);
    let parent = world.parent(id(5), id(3));
    assert_eq!(parent.id, id(1), "joined to what leads");
    world.act(id(5), Command::JoinDuplicate { parent }, actor(ActorKind::Clerk), at(50)).expect("may join");
    let kinds: Vec<_> = world.timeline(id(5)).iter().map(|entry| entry.event.kind()).collect();
    assert_eq!(kinds, [EventKind::Reported, EventKind::JoinedDuplicate, EventKind::LeadTold]);
    assert_eq!(world.get(id(5)).status, Status::SolutionProposed);
    world.act(id(5), Command::SplitOff, actor(ActorKind::Dispatcher), at(51)).expect("is joined");
    assert_eq!((world.get(id(5)).status, world.get(id(5)).duplicate_of), (Status::Reported, None));
    let refused = world.act(id(1), Command::SplitOff, actor(ActorKind::Dispatcher), at(52));
    assert_eq!(refused, Err(Refused::NotJoined));
}

#[derive(Debug, Clone)]
struct Attempt {
    report: u128,
    other: u128,
    action: prop::sample::Index,
    actor: prop::sample::Index,
    minutes: i64,
    fitting: bool,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let pick = any::<prop::sample::Index>;
    (1..=REPORTS, 1..=REPORTS, pick(), pick(), 0..500i64, prop::bool::weighted(0.9)).prop_map(
        |(report, other, action, actor, minutes, fitting)| Attempt { report, other, action, actor, minutes, fitting },
    )
}

proptest! {
    #[test]
    fn no_sequence_loses_an_entry_or_leaves_a_reporter_without_an_answer(
        attempts in prop::collection::vec(attempt(), 0..80)
    ) {
        let mut world = World::new(REPORTS);
        let mut now = at(100);
        for Attempt { report, other, action, actor, minutes, fitting } in attempts {
            now += TimeDelta::minutes(minutes);
            let (report, other) = (id(report), id(other));
            let action = *action.get(if fitting { world.get(report).status.actions() } else { Action::ALL });
            let mut people = people(REPORTS);
            if fitting {
                people.retain(|person| action.actors().contains(&person.kind));
            }
            if people.is_empty() {
                continue;
            }
            let by = actor.get(&people).clone();
            let wanted = match action {
                Action::JoinDuplicate => Command::JoinDuplicate { parent: world.parent(report, other) },
                action => command(action),
            };
            let before: BTreeMap<_, _> =
                world.0.iter().map(|(id, (_, timeline))| (*id, timeline.clone())).collect();
            let waiting: Vec<_> = world.joined_to(report).into_iter().filter(waits).map(|joined| joined.id).collect();
            let is_public = matches!(wanted, Command::AddNote { visibility: Visibility::Public } | Command::ProposeSolution);
            let done = world.act(report, wanted, by, now).is_ok();
            for (id, timeline) in before {
                prop_assert_eq!(&world.timeline(id)[..timeline.len()], &timeline[..], "what was written stays");
                let told = world.timeline(id).len() > timeline.len();
                prop_assert!(!(done && is_public && waiting.contains(&id)) || told, "told to all");
            }
            world.check()?;
        }
    }
}
