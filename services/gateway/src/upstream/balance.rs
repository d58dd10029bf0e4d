//! Spreads calls over the copies of one service.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::run::Tasks;
use http::{Request, Response};
use rand::seq::IndexedRandom as _;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::{Code, body::Body};

use super::{
    budget::Budget,
    copy::{Copy, Service, State},
    full,
    outcome::{Answered, Lost, unavailable},
};

/// How often names are looked up again.
const LOOK_UP: Duration = Duration::from_secs(5);
/// How often a copy is asked whether it is well.
const ASK: Duration = Duration::from_secs(1);
/// How long a call waits for the first copies to be found.
const FIRST: Duration = Duration::from_secs(2);
/// A call is made so often at most.
const ATTEMPTS: usize = 3;

type Copies = Vec<Arc<Copy>>;

/// The copies of one service, kept up to date while the program runs.
#[derive(Debug)]
pub(super) struct Balance {
    service: String,
    copies: watch::Receiver<Copies>,
    budget: Budget,
}

/// What one attempt came to.
enum Attempt {
    Answer(Response<Body>, Answered),
    Lost(Lost),
}

impl Balance {
    /// Begins to look for copies at `places`.
    pub(super) fn start(service: Service, places: Vec<String>, tasks: &Tasks) -> Self {
        let (found, copies) = watch::channel(Vec::new());
        tasks.spawn(follow(service.clone(), places, found, tasks.clone()));
        Self { service: service.name, copies, budget: Budget::new() }
    }

    /// Calls one copy, and another where the first has not taken the call, or where it does no harm.
    pub(super) async fn call(&self, request: Request<Bytes>, retry_safe: bool, deadline: Instant) -> Response<Body> {
        self.budget.called();
        self.found(deadline).await;
        let mut tried: Vec<SocketAddr> = Vec::new();
        loop {
            let Some(copy) = self.pick(&tried) else { return self.away(true) };
            tried.push(copy.address);
            let attempt = self.attempt(&copy, full(&request), retry_safe).await;
            let again = match &attempt {
                Attempt::Answer(_, Answered::Well) => false,
                Attempt::Answer(_, Answered::Shed) => true,
                Attempt::Answer(_, Answered::Badly(code)) => retry_safe && *code == Code::Unavailable,
                Attempt::Lost(lost) => retry_safe || lost.is_harmless(),
            };
            let elsewhere = self.copies.borrow().iter().any(|copy| !tried.contains(&copy.address));
            // A copy that has closed the line takes the same call on a new one.
            let same = matches!(attempt, Attempt::Lost(Lost::NotTaken));
            if again && (elsewhere || same) && tried.len() < ATTEMPTS && self.budget.again() {
                continue;
            }
            return match attempt {
                Attempt::Answer(response, _) => response,
                Attempt::Lost(lost) => self.away(lost.is_harmless()),
            };
        }
    }

    /// Calls one copy with a body that comes as it goes.
    pub(super) async fn once(&self, request: Request<Body>, deadline: Instant) -> Response<Body> {
        self.found(deadline).await;
        let Some(copy) = self.pick(&[]) else { return self.away(true) };
        match self.attempt(&copy, request, false).await {
            Attempt::Answer(response, _) => response,
            Attempt::Lost(lost) => self.away(lost.is_harmless()),
        }
    }

    async fn attempt(&self, copy: &Arc<Copy>, request: Request<Body>, retry_safe: bool) -> Attempt {
        let there = copy.state() != State::Gone;
        let sent = tokio::select! {
            sent = copy.send(request) => sent,
            () = copy.gone(), if retry_safe && there => Err(Lost::Unknown),
        };
        match sent {
            Ok(response) => {
                let answered = Answered::of(response.headers());
                match answered {
                    Answered::Badly(_) => copy.badly(self.may_rest()),
                    Answered::Well => copy.well(),
                    Answered::Shed => {}
                }
                Attempt::Answer(response, answered)
            }
            Err(lost) => {
                copy.badly(self.may_rest());
                Attempt::Lost(lost)
            }
        }
    }

    /// Waits until names are looked up, where that was never done.
    async fn found(&self, deadline: Instant) {
        if self.copies.borrow().is_empty() {
            let mut copies = self.copies.clone();
            let until = deadline.min(Instant::now() + FIRST);
            let _ = tokio::time::timeout_at(until, copies.wait_for(|copies| !copies.is_empty())).await;
        }
    }

    /// The less loaded of two that were drawn among the best there are: up, then not asked yet, then one that still
    /// answers, then any.
    fn pick(&self, tried: &[SocketAddr]) -> Option<Arc<Copy>> {
        let copies = self.copies.borrow();
        let fresh = |copy: &&Arc<Copy>| !tried.contains(&copy.address);
        let of = |state: State| -> Vec<_> { copies.iter().filter(|c| c.state() == state).filter(fresh).collect() };
        let mut among = [State::Up, State::Untried, State::Resting, State::Gone].into_iter().map(of);
        let best = among.find(|group| !group.is_empty()).unwrap_or_else(|| copies.iter().collect());
        let drawn = best.choose_multiple(&mut rand::rng(), 2);
        drawn.min_by_key(|copy| copy.load()).map(|copy| Arc::clone(copy))
    }

    /// Half of the copies get calls whatever they answer: where all are bad, the fault lies behind them.
    fn may_rest(&self) -> bool {
        let copies = self.copies.borrow();
        let up = copies.iter().filter(|copy| copy.state() == State::Up).count();
        up.saturating_sub(1) * 2 >= copies.len()
    }

    fn away(&self, done_nothing: bool) -> Response<Body> {
        let service = &self.service;
        let message = if done_nothing {
            format!("no copy of {service} can be reached; nothing was done: try again")
        } else {
            format!("the copy of {service} that was called went away; look whether it was done, or try again")
        };
        unavailable(message, done_nothing).into_http()
    }
}

/// Looks names up again and again, and asks each copy how it is.
async fn follow(service: Service, places: Vec<String>, found: watch::Sender<Copies>, tasks: Tasks) {
    let mut known: Vec<BTreeSet<SocketAddr>> = vec![BTreeSet::new(); places.len()];
    let mut asking: Vec<(SocketAddr, CancellationToken)> = Vec::new();
    loop {
        for (place, known) in places.iter().zip(&mut known) {
            match tokio::net::lookup_host(place).await {
                Ok(addresses) => *known = addresses.collect(),
                Err(error) => {
                    tracing::warn!(%error, service = service.name, place, "cannot look up a service; the known addresses stay");
                }
            }
        }
        let now: BTreeSet<SocketAddr> = known.iter().flatten().copied().collect();
        asking.retain(|(address, stop)| {
            let stays = now.contains(address);
            if !stays {
                stop.cancel();
            }
            stays
        });
        let mut copies: Copies = found.borrow().iter().filter(|copy| now.contains(&copy.address)).cloned().collect();
        let changed = copies.len() != now.len() || copies.len() != found.borrow().len();
        for address in now {
            if copies.iter().all(|copy| copy.address != address) {
                let copy = Arc::new(Copy::new(address, service.clone()));
                let stop = CancellationToken::new();
                tasks.spawn(ask(service.name.clone(), copy.clone(), stop.clone(), tasks.clone()));
                asking.push((address, stop));
                copies.push(copy);
            }
        }
        if changed {
            found.send_replace(copies);
        }
        if !tasks.pause(LOOK_UP).await {
            return;
        }
    }
}

/// Asks one copy until it is removed or the program stops.
async fn ask(service: String, copy: Arc<Copy>, stop: CancellationToken, tasks: Tasks) {
    loop {
        tokio::select! {
            () = copy.look(&service) => {}
            () = tasks.stopping() => return,
            () = stop.cancelled() => return,
        }
        tokio::select! {
            goes_on = tasks.pause(ASK) => if !goes_on { return },
            () = stop.cancelled() => return,
        }
    }
}
