use std::fmt::Write;

use super::*;

#[test]
fn every_state_meets_every_action() {
    let mut table = String::new();
    for status in Status::ALL {
        let mut incident = in_status(*status);
        assert_eq!(incident.status, *status, "the way there is right");
        // An import has no reporter; here somebody must be able to speak for every incident.
        incident.reporter = Some(Subject(REPORTER.to_owned()));
        for action in Action::ALL {
            let kind = action.actors()[0];
            let mut wanted = command(*action);
            if *status == Status::Dispatched && *action == Action::Dispatch {
                wanted = Command::Dispatch { unit: Unit("sanitation".to_owned()) };
            }
            let outcome = match decide(&incident, wanted, actor(kind), at(100), Policy::default()) {
                Ok(Decision { next, events }) => {
                    format!("{} ({})", next.status, events.iter().map(|e| e.event.kind().code()).collect::<String>())
                }
                Err(refused) => refused.reason().to_owned(),
            };
            writeln!(table, "{status:<18} {action:<18} {outcome}").expect("a string takes it");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_action_has_its_actors() {
    let mut table = String::new();
    for action in Action::ALL {
        let kinds: Vec<_> = action.actors().iter().map(|kind| kind.code()).collect();
        writeln!(table, "{action:<18} {}", kinds.join(" ")).expect("a string takes it");
    }
    insta::assert_snapshot!(table);
}

fn refused(incident: &Incident, command: Command, actor: Actor) -> Refused {
    decide(incident, command, actor, at(100), Policy::default()).expect_err("the rules forbid it")
}

#[test]
fn every_refusal_says_what_to_do() {
    let proposed = in_status(Status::SolutionProposed);
    let with_unit = in_status(Status::Dispatched);
    let join = |id, status, duplicate_of| Command::JoinDuplicate { parent: Parent { id, status, duplicate_of } };
    let today = Command::DeclareUnsolvable { next_look_on: at(100).date_naive() };
    let dispatcher = || actor(ActorKind::Dispatcher);
    let reported = reported().next;
    let late = Policy { reopen_days: 30 };
    let closed = in_status(Status::Closed);
    let month = 60 * 24 * 30;
    let all = [
        refused(&reported, command(Action::ConfirmSolution), actor(ActorKind::Reporter)),
        refused(&proposed, command(Action::ConfirmSolution), actor(ActorKind::Handler)),
        refused(&proposed, command(Action::ConfirmSolution), Actor::new("u-somebody", ActorKind::Reporter)),
        refused(&proposed, command(Action::ConfirmSolution), Actor::new("u-handler", ActorKind::Clerk)),
        refused(&with_unit, command(Action::Dispatch), dispatcher()),
        decide(&closed, Command::Reopen, actor(ActorKind::Reporter), at(month + 7), late).expect_err("too late"),
        refused(&reported, join(id(1), Status::Triaged, None), dispatcher()),
        refused(&reported, join(id(2), Status::Duplicate, Some(id(1))), dispatcher()),
        refused(&reported, join(id(2), Status::Duplicate, Some(id(3))), dispatcher()),
        refused(&reported, join(id(2), Status::Withdrawn, None), dispatcher()),
        refused(&in_status(Status::Triaged), today, dispatcher()),
    ];
    let text: Vec<_> = all.iter().map(|refused| format!("{}: {refused}", refused.reason())).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_reopening_is_in_time_until_the_last_day_is_over() {
    let closed = in_status(Status::Closed);
    let month = 60 * 24 * 30;
    let reopen = |minutes| decide(&closed, Command::Reopen, actor(ActorKind::Clerk), at(minutes), Policy::default());
    let again = reopen(6 + month).expect("thirty days to the minute").next;
    assert_eq!((again.status, again.closed_at, again.satisfaction), (Status::Dispatched, None, None));
    assert_eq!(reopen(7 + month), Err(Refused::ReopenTooLate { days: 30 }));
}

#[test]
fn a_refused_solution_goes_on_with_the_same_people() {
    let proposed = in_status(Status::SolutionProposed);
    let again = decide(&proposed, Command::Reopen, actor(ActorKind::Reporter), at(9), Policy::default());
    assert_eq!(again.expect("the reporter may").next.status, Status::InProgress);
}

#[test]
fn a_worker_who_repairs_what_it_reported_cannot_judge_it() {
    let Decision { mut next, events } = reported();
    let both = |kind| Actor::new("u-both", kind);
    next.reporter = Some(both(ActorKind::Worker).id);
    let mut state = (next, events);
    for (action, by) in [
        (Action::Triage, actor(ActorKind::Dispatcher)),
        (Action::Dispatch, actor(ActorKind::Dispatcher)),
        (Action::Accept, both(ActorKind::Worker)),
        (Action::StartWork, both(ActorKind::Worker)),
    ] {
        state = step(state, command(action), by, at(1)).expect("allowed");
    }
    let action = Action::Withdraw;
    assert_eq!(refused(&state.0, Command::Withdraw, both(ActorKind::Reporter)), Refused::NotIndependent { action });
    state = step(state, Command::ProposeSolution, both(ActorKind::Worker), at(2)).expect("allowed");
    let independent = |action| {
        for kind in [ActorKind::Reporter, ActorKind::Clerk] {
            let refused = refused(&state.0, command(action), both(kind));
            assert_eq!(refused, Refused::NotIndependent { action }, "{kind}");
        }
        step(state.clone(), command(action), actor(ActorKind::Clerk), at(3)).expect("an independent clerk").0
    };
    assert_eq!(independent(Action::ConfirmSolution).status, Status::Closed);
    assert_eq!(independent(Action::Reopen).status, Status::InProgress);
}

#[test]
fn today_is_the_day_in_china() {
    // 17:00 UTC on 2 March is 01:00 on 3 March in China.
    let evening = at(16 * 60);
    let look = |day: &str| Command::DeclareUnsolvable { next_look_on: day.parse().expect("a date") };
    let triaged = in_status(Status::Triaged);
    let on = |day| decide(&triaged, look(day), actor(ActorKind::Handler), evening, Policy::default());
    assert!(matches!(on("2026-03-03"), Err(Refused::NextLookNotAfterToday { .. })));
    let unsolvable = on("2026-03-04").expect("tomorrow").next;
    assert_eq!(unsolvable.next_look_on, "2026-03-04".parse().ok());
    let again = decide(&unsolvable, command(Action::Triage), actor(ActorKind::Clerk), evening, Policy::default());
    let again = again.expect("taken up again").next;
    assert_eq!((again.status, again.next_look_on), (Status::Triaged, None));
}

#[test]
fn triage_in_the_middle_of_the_work_changes_no_state() {
    let working = in_status(Status::InProgress);
    let assessed = decide(&working, command(Action::Triage), actor(ActorKind::Clerk), at(9), Policy::default());
    let assessed = assessed.expect("may be assessed anew").next;
    assert_eq!((assessed.status, assessed.unit), (Status::InProgress, working.unit));
}

#[test]
fn an_import_closes_without_claiming_a_confirmation() {
    let Decision { next, events } = imported(ImportedOutcome::Closed(at(50)));
    assert_eq!((next.status, next.closed_at, next.version), (Status::Closed, Some(at(50)), 2));
    let closed = Event::Closed { basis: ClosureBasis::Imported, satisfaction: Satisfaction::NotAsked };
    assert_eq!(events[1].event, closed);
    assert_eq!(replay(next.id, &events), Ok(next));
}

#[test]
fn a_later_export_tells_only_what_is_new() {
    let kinds = |decision: &Decision| decision.events.iter().map(|entry| entry.event.kind()).collect::<Vec<_>>();
    let again = |incident: &Incident, outcome| {
        let decision = import_again(incident, export("roads.street_light", outcome), at(90), &importer());
        (kinds(&decision), decision.next.status)
    };
    let outcomes = [
        (ImportedOutcome::Open, Status::Reported),
        (ImportedOutcome::Closed(at(5)), Status::Closed),
        (ImportedOutcome::Withdrawn(at(5)), Status::Withdrawn),
        (ImportedOutcome::Referred(at(5)), Status::Referred),
    ];
    for (before, status) in outcomes {
        let incident = imported(before).next;
        for (after, ended) in outcomes {
            let (told, now) = again(&incident, after);
            if before == after {
                assert_eq!((told, now), (vec![EventKind::Corrected], status), "something that no rule looks at");
            } else if after == ImportedOutcome::Open {
                assert_eq!((told, now), (vec![EventKind::Reopened], Status::Triaged));
            } else {
                assert_eq!((told.len(), now), (1, ended));
            }
        }
    }
    let closed = imported(ImportedOutcome::Closed(at(5))).next;
    assert_eq!(again(&closed, ImportedOutcome::Closed(at(7))), (vec![EventKind::Closed], Status::Closed));
    let opened = import_again(&closed, export("roads.street_light", ImportedOutcome::Open), at(90), &importer()).next;
    let once_more = again(&opened, ImportedOutcome::Open);
    assert_eq!(once_more, (vec![EventKind::Corrected], Status::Triaged), "it is reopened once");
}

#[test]
fn a_timeline_without_its_beginning_is_refused() {
    let (_, timeline) = course(&way_to(Status::Triaged));
    assert_eq!(replay(id(1), &timeline[1..]), Err(ReplayError::NotReportedFirst));
    assert_eq!(replay(id(1), &[]), Err(ReplayError::NotReportedFirst));
}

/// A promise that was made, extended, warned of and escalated.
fn promises_told() -> Vec<Recorded> {
    let promised = Event::Promised { contact_by: Some(at(60)), expected_at: Some(at(120)), is_assumed: false };
    let made = Recorded { at: at(2), actor: importer(), event: promised };
    let (clock, due_at) = (promise::Clock::Contact, at(60));
    let warned = promise::Reached { clock, percent: 50, due_at, lies_with: None };
    let course = course(&way_to(Status::Dispatched));
    let course = step(course, command(Action::ExtendPromise), actor(ActorKind::Reviewer), at(3)).expect("allowed");
    let course = step(course, Command::RecordPromise { reached: warned }, importer(), at(4)).expect("allowed");
    let course = step(course, command(Action::RecordPromise), importer(), at(5)).expect("allowed");
    let moved = Event::PromiseMoved { contact_by: None, expected_at: Some(at(130)), is_assumed: true };
    let more = [moved, Event::PauseEnded].map(|event| Recorded { at: at(6), actor: importer(), event });
    [vec![made], course.1, more.to_vec()].concat()
}

/// A dispute that was decided, a matter, and the day of the next look.
fn loop_told() -> Vec<Recorded> {
    let disputed = [way_to(Status::Dispatched), vec![Action::DisputeDispatch, Action::DecideDispute]].concat();
    let gathered = vec![Action::Gather, Action::RecordMatter];
    let taken_up = [way_to(Status::Unsolvable), vec![Action::TakeUp]].concat();
    [course(&disputed).1, course(&gathered).1, course(&taken_up).1].concat()
}

#[test]
fn events_are_stored_as_json_and_come_back() {
    let mut bodies = String::new();
    let mut actions = way_to(Status::Closed);
    actions.extend([Action::Reopen, Action::Return, Action::DeclareUnsolvable, Action::Triage, Action::JoinDuplicate]);
    actions.extend([Action::AddNote, Action::RecordCareList, Action::Withdraw]);
    let asked = [way_to(Status::WaitingReporter), vec![Action::Answer]].concat();
    let referred = imported(ImportedOutcome::Referred(at(1))).events;
    let open = imported(ImportedOutcome::Open).next;
    let corrected = import_again(&open, export("roads.surface", ImportedOutcome::Open), at(2), &importer()).events;
    let unknown = step(course(&[]), Command::RecordBuildingUnknown, importer(), at(3)).expect("allowed").1;
    let timelines = [
        course(&actions).1,
        course(&asked).1,
        referred,
        corrected,
        unknown,
        promises_told(),
        problems::told(),
        loop_told(),
    ]
    .concat();
    let mut seen = std::collections::BTreeSet::new();
    for entry in &timelines {
        let body = serde_json::to_string(&entry.event).expect("an event is JSON");
        assert_eq!(serde_json::from_str::<Event>(&body).expect("and back"), entry.event);
        let kind = entry.event.kind();
        assert!(body.starts_with(&format!(r#"{{"kind":"{kind}""#)), "the kind in {body} is {kind}");
        if seen.insert(kind) {
            writeln!(bodies, "{:<8} {body}", entry.event.visibility()).expect("a string takes it");
        }
    }
    assert_eq!(seen.len(), EventKind::ALL.len(), "every kind of event was seen");
    insta::assert_snapshot!(bodies);
}
