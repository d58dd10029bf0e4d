use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    Action, Actor, ActorKind, Channel, Command, Decision, Incident, IncidentId, Policy, Recorded, Report, Satisfaction,
    Unit, Urgency, Visibility,
    calendar::{CalendarFile, HolidayYear, Holidays, read},
    decide, report,
};

fn calendar() -> WorkingCalendar {
    let CalendarFile::Units(mut units) =
        read(include_str!("../../../data/hours_dengke.toml")).expect("the default hours")
    else {
        panic!("these are hours")
    };
    let year = HolidayYear::read(include_str!("../../../data/holidays_cn_2026.json")).expect("a year");
    WorkingCalendar::new(units.remove(0).hours, Holidays::new([year]))
}

/// Minutes after Monday 2026-03-02, 09:00 in China, when the office opens.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_413_200, 0).expect("a time") + TimeDelta::minutes(minutes)
}

fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

fn terms() -> Terms {
    let limit = |amount, working| Some(Limit { amount, working });
    Terms { contact: limit(hours(2), false), resolve: limit(hours(14), true), ..Terms::default() }
}

/// An incident and its promise, step by step.
struct Course {
    incident: Incident,
    promise: Option<Promise>,
    terms: Terms,
}

impl Course {
    fn new(terms: Terms) -> Self {
        let by = Actor::new("u-reporter", ActorKind::Reporter);
        let reporter = Some(by.id.clone());
        let Decision { next, .. } = report(
            IncidentId(Uuid::from_u128(1)),
            Report { channel: Channel::App, reporter, category: None },
            by,
            at(-60),
        );
        Self { incident: next, promise: None, terms }
    }

    /// Triaged and dispatched when the office opens.
    fn dispatched(terms: Terms) -> Self {
        let mut course = Self::new(terms);
        course.by(ActorKind::Dispatcher, triage(), at(0));
        course.by(ActorKind::Dispatcher, Command::Dispatch { unit: Unit("roads".to_owned()) }, at(0));
        course
    }

    /// In work, and the reporter was spoken to.
    fn in_work(terms: Terms) -> Self {
        let mut course = Self::dispatched(terms);
        course.by(ActorKind::Handler, Command::Accept, at(5));
        course.by(ActorKind::Handler, Command::StartWork, at(6));
        course.by(ActorKind::Handler, Command::AddNote { visibility: Visibility::Public }, at(7));
        course
    }

    fn by(&mut self, kind: ActorKind, command: Command, now: DateTime<Utc>) -> bool {
        let actor = match kind {
            ActorKind::Reporter => Actor::new("u-reporter", kind),
            other => Actor::new(format!("u-{other}"), other),
        };
        let decided = decide(&self.incident, command, actor, now, Policy::default());
        let Decision { next, events } = decided.expect("the rules allow it");
        let mut promised = false;
        for recorded in &events {
            promised |= self.follow(recorded, &next, kind.handles());
        }
        self.incident = next;
        promised
    }

    fn follow(&mut self, recorded: &Recorded, after: &Incident, by_unit: bool) -> bool {
        let moment = Moment { before: &self.incident, after, recorded, by_unit };
        match Promise::advance(self.promise.as_ref(), moment, self.terms, &Rules::default(), &calendar()) {
            Advance::Unchanged => false,
            Advance::Moved(next) => {
                self.promise = Some(next);
                false
            }
            Advance::Promised(next) => {
                self.promise = Some(next);
                true
            }
        }
    }

    fn promise(&self) -> &Promise {
        self.promise.as_ref().expect("something was promised")
    }

    fn reach(&mut self, now: DateTime<Utc>) -> Option<Reached> {
        self.promise.as_mut()?.reach(&Rules::default(), &calendar(), now)
    }
}

fn triage() -> Command {
    let category = "roads.surface".parse().expect("a code");
    Command::Triage { category, urgency: Urgency::Routine, endangers_building: false }
}

#[test]
fn the_time_runs_from_the_first_dispatch_in_its_own_time() {
    let mut course = Course::new(terms());
    assert!(!course.by(ActorKind::Dispatcher, triage(), at(-30)), "nothing runs before a unit is told");
    assert!(course.by(ActorKind::Dispatcher, Command::Dispatch { unit: Unit("roads".to_owned()) }, at(0)));
    let promise = course.promise();
    assert_eq!(promise.contact.as_ref().map(|track| track.due_at), Some(at(120)));
    // Two days of seven hours: Tuesday evening.
    assert_eq!(promise.expected_at(), Some(at(24 * 60 + 9 * 60)));
    assert!(!promise.is_assumed);
    // Another unit gets what time is left.
    let before = course.promise().clone();
    assert!(!course.by(ActorKind::Dispatcher, Command::Dispatch { unit: Unit("lights".to_owned()) }, at(30)));
    assert_eq!(*course.promise(), before);
}

#[test]
fn from_the_report_where_the_category_says_so() {
    let mut course = Course::new(Terms { from_report: true, ..terms() });
    assert!(course.by(ActorKind::Dispatcher, triage(), at(10)));
    assert_eq!(course.promise().started_at, at(-60));
    assert!(!course.by(ActorKind::Dispatcher, Command::Dispatch { unit: Unit("roads".to_owned()) }, at(20)));
}

#[test]
fn each_step_is_told_once_and_up_the_ladder() {
    let mut course = Course::in_work(terms());
    let due = course.promise().expected_at().expect("promised");
    let mut told = Vec::new();
    let mut now = at(7);
    while now < at(60 * 24 * 30) {
        if let Some(Reached { clock, percent, due_at, lies_with }) = course.reach(now) {
            assert_eq!((clock, due_at), (Clock::Resolution, due));
            told.push((percent, lies_with));
        }
        now += TimeDelta::minutes(30);
    }
    let up = [Duty::Dispatcher, Duty::CommunityManager, Duty::SubdistrictManager].map(Some);
    assert_eq!(told, [(50, None), (80, None), (100, up[0]), (150, up[1]), (300, up[2])]);
    assert_eq!(course.promise().lies_with, Some(Duty::SubdistrictManager));
    assert_eq!(course.promise().next_at(&Rules::default(), &calendar()), None);
}

#[test]
fn after_a_long_silence_one_step_is_told_for_both_clocks() {
    let mut course = Course::dispatched(terms());
    let reached = course.reach(at(60 * 24 * 40)).expect("much is late");
    assert_eq!((reached.percent, reached.lies_with), (300, Some(Duty::SubdistrictManager)));
    assert_eq!(course.reach(at(60 * 24 * 41)), None, "the steps before it are not told afterwards");
    assert_eq!(course.promise().contact.as_ref().map(|track| track.step), Some(300));
}

#[test]
fn a_clock_that_went_back_tells_nothing_twice() {
    let mut course = Course::in_work(terms());
    let due = course.promise().expected_at().expect("promised");
    assert_eq!(course.reach(due).map(|reached| reached.percent), Some(100));
    assert_eq!(course.reach(at(8)), None);
    assert_eq!(course.reach(due + TimeDelta::minutes(1)), None);
    assert!(course.promise().next_at(&Rules::default(), &calendar()).is_some_and(|next| next > due));
}

#[test]
fn it_stands_still_while_the_reporter_is_asked_and_never_longer_than_the_cap() {
    let mut course = Course::in_work(terms());
    let first = course.promise().expected_at().expect("promised");
    course.by(ActorKind::Handler, Command::AskReporter, at(60));
    // Until an answer comes the longest pause is assumed: three days, from Monday to Thursday.
    let at_most = course.promise().expected_at().expect("promised");
    assert_eq!(at_most, first + TimeDelta::days(3));
    assert!(course.promise().is_paused(at(60 * 24 * 3)));
    assert!(!course.promise().is_paused(at(60 * 24 * 3 + 60)), "it goes on by itself");
    assert_eq!(course.promise().paused(at(90)), TimeDelta::minutes(30));
    // A day later the answer comes; of the three days two are left for another question.
    course.by(ActorKind::Reporter, Command::Answer, at(60 * 25));
    assert_eq!(course.promise().expected_at(), Some(first + TimeDelta::days(1)));
    course.by(ActorKind::Handler, Command::AskReporter, at(60 * 25 + 30));
    let pauses = &course.promise().pauses;
    assert_eq!(pauses.iter().map(|pause| pause.until - pause.from).sum::<TimeDelta>(), hours(72));
    course.by(ActorKind::Reporter, Command::Answer, at(60 * 24 * 7));
    course.by(ActorKind::Handler, Command::AskReporter, at(60 * 24 * 8));
    assert_eq!(course.promise().pauses.len(), 2, "the cap is used up");
}

#[test]
fn a_refused_solution_goes_on_where_the_clock_stopped() {
    let mut course = Course::in_work(terms());
    let first = course.promise().expected_at().expect("promised");
    course.by(ActorKind::Handler, Command::ProposeSolution, at(120));
    assert_eq!(course.promise().next_at(&Rules::default(), &calendar()), None);
    assert_eq!(course.reach(at(60 * 24 * 30)), None, "what is solved is not late");
    course.by(ActorKind::Reporter, Command::Reopen, at(120 + 24 * 60));
    assert_eq!(course.promise().resolution.as_ref().and_then(|track| track.met_at), None);
    assert_eq!(course.promise().expected_at(), Some(first + TimeDelta::days(1)));
    course.by(ActorKind::Handler, Command::ProposeSolution, at(180 + 24 * 60));
    course.by(
        ActorKind::Reporter,
        Command::ConfirmSolution { satisfaction: Satisfaction::Satisfied },
        at(200 + 24 * 60),
    );
    assert_eq!(course.promise().ended_at, Some(at(200 + 24 * 60)));
    // Taken up again after its end it is promised anew.
    assert_eq!(course.promise().resolution.as_ref().and_then(|track| track.met_at), Some(at(180 + 24 * 60)));
    let again = at(60 * 24 * 7);
    course.by(ActorKind::Reporter, Command::Reopen, again);
    assert_eq!((course.promise().started_at, course.promise().ended_at), (again, None));
}

#[test]
fn a_new_assessment_makes_it_sooner_and_never_later() {
    let mut course = Course::dispatched(terms());
    let before = course.promise().expected_at().expect("promised");
    course.terms.resolve = Some(Limit { amount: hours(70), working: true });
    assert!(!course.by(ActorKind::Dispatcher, triage(), at(10)));
    assert_eq!(course.promise().expected_at(), Some(before));
    course.terms.resolve = Some(Limit { amount: hours(4), working: false });
    assert!(course.by(ActorKind::Dispatcher, triage(), at(20)));
    assert_eq!(course.promise().expected_at(), Some(at(240)));
}

#[test]
fn it_is_extended_once_and_not_past_somebody_elses_deadline() {
    let (rules, calendar) = (Rules::default(), calendar());
    let mut course = Course::in_work(terms());
    let due = course.promise().expected_at().expect("promised");
    course.reach(due + TimeDelta::minutes(1));
    let late = course.promise().clone();
    let now = due + TimeDelta::minutes(2);
    let refused = late.clone().extend(due, &rules, &calendar, now).expect_err("no more time");
    assert_eq!(refused.reason(), "EXPECTED_NOT_LATER");
    // Saturday noon: the office is closed, so it is expected when it closed on Friday.
    let extended = late.extend(at(60 * 24 * 5 + 180), &rules, &calendar, now).expect("more time");
    assert_eq!(extended.expected_at(), Some(at(60 * 24 * 4 + 9 * 60)));
    assert_eq!((extended.lies_with, extended.extended_at), (None, Some(now)));
    assert_eq!(extended.resolution.as_ref().map(|track| track.step), Some(0));
    let again = extended.extend(at(60 * 24 * 9), &rules, &calendar, now).expect_err("once");
    assert_eq!(again.reason(), "EXTENDED_BEFORE");
    let theirs = Course::in_work(Terms { deadline: Some(at(60 * 24)), ..terms() });
    assert_eq!(theirs.promise().expected_at(), Some(at(60 * 24)), "theirs is sooner");
    let refused = theirs.promise().clone().extend(at(60 * 24 * 9), &rules, &calendar, at(30)).expect_err("theirs");
    assert_eq!(refused.reason(), "DEADLINE_OF_ANOTHER");
}

#[test]
fn a_deadline_from_outside_is_a_promise_of_its_own() {
    let course = Course::dispatched(Terms { deadline: Some(at(600)), ..Terms::default() });
    assert_eq!(course.promise().expected_at(), Some(at(600)));
    assert_eq!(course.promise().contact, None);
    let nothing = Course::dispatched(Terms::default());
    assert_eq!(nothing.promise, None);
}

#[test]
fn a_ladder_that_contradicts_itself_is_refused() {
    let with = |warnings: &[u16], ladder: &[(u16, Duty)], hours| {
        let ladder = ladder.iter().map(|(percent, duty)| Rung { percent: *percent, duty: *duty }).collect();
        Rules::default().with(Some(warnings.to_vec()), Some(ladder), Some(hours))
    };
    let rung = [(100, Duty::Dispatcher)];
    assert!(with(&[50], &rung, 24).is_ok());
    assert_eq!(with(&[100], &rung, 24), Err(BadLadder::Steps));
    assert_eq!(with(&[0], &rung, 24), Err(BadLadder::Steps));
    assert_eq!(with(&[], &[(100, Duty::SubdistrictManager), (200, Duty::Unit)], 24), Err(BadLadder::Order));
    assert_eq!(with(&[], &rung, -1), Err(BadLadder::Pause));
}

/// What may happen to an incident in work.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Answer,
    Propose,
    Refuse,
    Look,
    ClockBack,
}

fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    use Step::{Answer, Ask, ClockBack, Look, Propose, Refuse};
    let step = prop::sample::select(vec![Ask, Answer, Propose, Refuse, Look, Look, ClockBack]);
    prop::collection::vec((step, 0..3000_i64), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_course_tells_a_step_twice_or_stands_still_too_long(steps in steps()) {
        let mut course = Course::in_work(terms());
        let mut now = at(10);
        let mut last = 0;
        for (step, minutes) in steps {
            now += TimeDelta::minutes(minutes);
            let status = course.incident.status;
            let possible = |action| status.allows(action);
            match step {
                Step::Ask if possible(Action::AskReporter) => {
                    course.by(ActorKind::Handler, Command::AskReporter, now);
                }
                Step::Answer if possible(Action::Answer) => {
                    course.by(ActorKind::Reporter, Command::Answer, now);
                }
                Step::Propose if possible(Action::ProposeSolution) => {
                    course.by(ActorKind::Handler, Command::ProposeSolution, now);
                }
                Step::Refuse if possible(Action::Reopen) => {
                    course.by(ActorKind::Reporter, Command::Reopen, now);
                }
                Step::ClockBack => now -= TimeDelta::minutes(minutes * 2).min(now - at(10)),
                _ => {}
            }
            if let Some(reached) = course.reach(now) {
                prop_assert!(reached.percent > last, "{} after {}", reached.percent, last);
                last = reached.percent;
                prop_assert_eq!(course.reach(now), None);
            }
            let promise = course.promise();
            let asked: TimeDelta =
                promise.pauses.iter().filter(|pause| pause.asked).map(|pause| pause.until - pause.from).sum();
            prop_assert!(asked <= Rules::default().pause);
            prop_assert!(promise.pauses.windows(2).all(|two| two[0].until <= two[1].from));
            // What is kept is enough to compute the due time again.
            let track = promise.resolution.as_ref().expect("promised");
            let counted = promise.active(&calendar(), track.limit.working, track.due_at);
            prop_assert_eq!(counted, track.limit.amount);
            // After what was due was told, what comes next lies ahead.
            prop_assert!(promise.next_at(&Rules::default(), &calendar()).is_none_or(|next| next > now));
        }
    }
}
