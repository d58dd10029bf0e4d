use super::rates::{Exclusion, Figures, Formulae, Measure, Rate, WhichCallBack, figures, verdicts};
use super::*;

/// A timeline from times (in minutes), kinds of actors and events.
fn timeline(entries: Vec<(i64, ActorKind, Event)>) -> Vec<Recorded> {
    let first = (0, ActorKind::Reporter, Event::Reported { channel: Channel::App, reporter: None, category: None });
    let entries = std::iter::once(first).chain(entries);
    entries.map(|(minutes, kind, event)| Recorded { at: at(minutes), actor: actor(kind), event }).collect()
}

fn dispatched(minutes: i64) -> (i64, ActorKind, Event) {
    (minutes, ActorKind::Dispatcher, Event::Dispatched { unit: Unit("roads".to_owned()) })
}

fn accepted(minutes: i64) -> (i64, ActorKind, Event) {
    (minutes, ActorKind::Handler, Event::Accepted)
}

fn note(minutes: i64, kind: ActorKind, visibility: Visibility) -> (i64, ActorKind, Event) {
    (minutes, kind, Event::NoteAdded { visibility })
}

fn closed(minutes: i64, basis: ClosureBasis, satisfaction: Satisfaction) -> (i64, ActorKind, Event) {
    (minutes, ActorKind::Clerk, Event::Closed { basis, satisfaction })
}

/// The limit is an hour, and it is ten hours later. The timelines are those of incidents 1, 2, 3…
fn of(timelines: &[Vec<Recorded>]) -> Figures {
    let formulae = Formulae { contact_limit: TimeDelta::hours(1), ..Formulae::default() };
    let measure = Measure { formulae, as_of: at(600) };
    figures((1..).map(id).zip(timelines.iter().map(Vec::as_slice)), measure)
}

fn rate(counted: u64, of: u64, excluded: &[(Exclusion, u128)]) -> Rate {
    Rate { counted, of, excluded: excluded.iter().map(|(reason, number)| (*reason, vec![id(*number)])).collect() }
}

#[test]
fn response_counts_the_handlers_word_within_the_limit() {
    use ActorKind::{Clerk, Handler, Reporter, Worker};
    use Visibility::{Internal, Public};
    let found = of(&[
        // In time, to the minute.
        timeline(vec![dispatched(10), accepted(15), note(70, Handler, Public)]),
        // A minute late.
        timeline(vec![dispatched(10), accepted(15), note(71, Handler, Public)]),
        // What the reporter does not read, and what a clerk says, are no contact by the handler.
        timeline(vec![dispatched(10), accepted(15), note(20, Handler, Internal), note(21, Clerk, Public)]),
        // Sent on to another unit: the limit runs from the first dispatch.
        timeline(vec![dispatched(10), dispatched(60), accepted(65), note(80, Handler, Public)]),
        timeline(vec![]),
        timeline(vec![dispatched(590)]),
        timeline(vec![dispatched(10), (20, Reporter, Event::Withdrawn)]),
        // Given up after the limit: no excuse.
        timeline(vec![dispatched(10), (80, Reporter, Event::Withdrawn)]),
        timeline(vec![(20, Clerk, Event::JoinedDuplicate { duplicate_of: id(2), lead_state: None })]),
        // A worker of another unit who passes by speaks for nobody but itself.
        timeline(vec![dispatched(10), accepted(15), note(20, Worker, Public)]),
        // The unit may speak before it accepts.
        timeline(vec![dispatched(10), note(20, Handler, Public), accepted(90)]),
        timeline(vec![dispatched(10), (20, Handler, Event::ReporterAsked)]),
    ]);
    let excluded = [
        (Exclusion::NotDispatched, 5),
        (Exclusion::LimitRunning, 6),
        (Exclusion::Withdrawn, 7),
        (Exclusion::Joined, 9),
    ];
    assert_eq!(found.response, rate(3, 8, &excluded));
}

#[test]
fn resolution_and_satisfaction_rest_on_the_last_call_back() {
    use ClosureBasis::{CallBack, Imported, Reporter};
    use Satisfaction::{BasicallySatisfied, Dissatisfied, NotAsked, Satisfied};
    let reopened = (30, ActorKind::Reporter, Event::Reopened);
    let found = of(&[
        timeline(vec![closed(10, Reporter, Satisfied)]),
        timeline(vec![closed(10, CallBack, BasicallySatisfied)]),
        timeline(vec![closed(10, CallBack, Dissatisfied)]),
        timeline(vec![closed(10, Reporter, NotAsked)]),
        timeline(vec![closed(10, CallBack, NotAsked)]),
        timeline(vec![closed(10, Imported, NotAsked)]),
        timeline(vec![closed(10, Reporter, Satisfied), reopened.clone()]),
        timeline(vec![reopened, closed(40, Reporter, Satisfied)]),
        timeline(vec![]),
        timeline(vec![(5, ActorKind::Reporter, Event::Withdrawn), note(9, ActorKind::Clerk, Visibility::Internal)]),
        timeline(vec![(5, ActorKind::System, Event::ReferredElsewhere)]),
    ]);
    let outside = [
        (Exclusion::Withdrawn, 10),
        (Exclusion::Imported, 6),
        (Exclusion::Referred, 11),
        (Exclusion::NoCallBack, 9),
        (Exclusion::ReporterNotReached, 5),
    ];
    assert_eq!(found.resolution, rate(5, 6, &outside));
    assert_eq!(found.satisfaction, rate(3, 5, &[&outside[..], &[(Exclusion::SatisfactionNotAsked, 4)]].concat()));
}

#[test]
fn what_a_file_opens_again_is_no_call_back() {
    let closed = imported(ImportedOutcome::Closed(at(5)));
    let again = export("roads.street_light", ImportedOutcome::Open);
    let opened = import_again(&closed.next, again, at(90), &importer());
    let found = of(&[[closed.events, opened.events].concat()]);
    assert_eq!(found.resolution, rate(0, 0, &[(Exclusion::NoCallBack, 1)]));
    assert_eq!(found.satisfaction, rate(0, 0, &[(Exclusion::NoCallBack, 1)]));
}

#[test]
fn times_run_from_the_report_to_the_closing_that_stands() {
    use ClosureBasis::Reporter;
    use Satisfaction::Satisfied;
    let reopened = (30, ActorKind::Reporter, Event::Reopened);
    let found = of(&[
        timeline(vec![note(3, ActorKind::Clerk, Visibility::Internal), note(5, ActorKind::Clerk, Visibility::Public)]),
        timeline(vec![(8, ActorKind::Handler, Event::SolutionProposed), closed(10, Reporter, Satisfied)]),
        timeline(vec![closed(20, Reporter, Satisfied), reopened.clone()]),
        timeline(vec![closed(20, Reporter, Satisfied), reopened, closed(90, Reporter, Satisfied)]),
        timeline(vec![closed(50, Reporter, Satisfied)]),
    ]);
    let minutes = |minutes| Some(TimeDelta::minutes(minutes));
    assert_eq!((found.first_answer.counted, found.first_answer.median), (2, minutes(5)));
    assert_eq!((found.close.counted, found.close.median, found.close.p90), (3, minutes(50), minutes(90)));
    assert_eq!(of(&[]), Figures::default());
}

#[test]
fn formulae_are_the_offices_choice() {
    use ClosureBasis::CallBack;
    use Satisfaction::{BasicallySatisfied, Dissatisfied, NotAsked, Satisfied};
    let judge = |timeline: &[Recorded], choose: fn(&mut Formulae)| {
        let mut formulae = Formulae::default();
        choose(&mut formulae);
        let found = verdicts(timeline, Measure { formulae, as_of: at(600) });
        (found.resolution, found.satisfaction)
    };
    let reopened = (30, ActorKind::Reporter, Event::Reopened);
    let second = timeline(vec![closed(10, CallBack, NotAsked), reopened, closed(40, CallBack, Satisfied)]);
    assert_eq!(judge(&second, |_| {}), (Ok(true), Ok(true)));
    assert_eq!(judge(&second, |f| f.call_back = WhichCallBack::First), (Ok(false), Ok(false)));

    let basically = timeline(vec![closed(10, CallBack, BasicallySatisfied)]);
    assert_eq!(judge(&basically, |f| f.basically_counts = false), (Ok(true), Ok(false)));

    let next_look_on = at(90_000).date_naive();
    let given_up = (20, ActorKind::Handler, Event::DeclaredUnsolvable { next_look_on });
    let unsolvable = timeline(vec![dispatched(10), given_up.clone()]);
    let outside = Err(Exclusion::Unsolvable);
    assert_eq!(judge(&unsolvable, |_| {}), (outside, outside));
    let counted = judge(&unsolvable, |f| f.unsolvable_counts = true);
    assert_eq!(counted, (Ok(false), Err(Exclusion::SatisfactionNotAsked)));

    // Who handled it and then sat down at the telephone.
    let own = [
        timeline(vec![accepted(5)]),
        vec![Recorded {
            at: at(9),
            actor: Actor::new("u-handler", ActorKind::Clerk),
            event: Event::Closed { basis: CallBack, satisfaction: Dissatisfied },
        }],
    ];
    assert_eq!(judge(&own.concat(), |_| {}).0, Err(Exclusion::NotIndependent));
}
