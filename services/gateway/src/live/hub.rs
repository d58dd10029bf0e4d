//! The one reader of the bus, and what it shares with the followers.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use chassis::{
    events::{BusError, Numbered, SharedBus, Tail},
    run::Tasks,
};
use tokio::sync::{Semaphore, watch};

use super::{
    LiveSettings,
    change::{Place, Shared},
    error::Error,
    ring::{Known, Ring},
};

/// How many events are asked for at once, and for how long.
const BATCH: usize = 512;
const WAIT: Duration = Duration::from_secs(5);
/// The pause before the bus is tried again.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn everything() -> Vec<String> {
    vec!["linju.*.v1.>".to_owned()]
}

/// What followers wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) state: State,
    /// Counts the times that the order of events was lost.
    pub(super) order: u64,
    /// Number of the newest event.
    pub(super) newest: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    NotYet,
    Reading,
    Stopped,
}

pub(super) struct Hub {
    pub(super) bus: SharedBus,
    pub(super) settings: LiveSettings,
    /// Whoever reads from the bus holds one; closed when the program stops.
    pub(super) catching_up: Semaphore,
    ring: RwLock<Ring>,
    news: watch::Sender<News>,
    followers: Mutex<HashMap<String, usize>>,
}

impl Hub {
    pub(super) fn new(bus: SharedBus, settings: LiveSettings) -> Self {
        Self {
            catching_up: Semaphore::new(settings.catching_up.max(1)),
            ring: RwLock::new(Ring::new(settings.ring_events.max(1), settings.ring_bytes)),
            news: watch::channel(News::default()).0,
            followers: Mutex::default(),
            bus,
            settings,
        }
    }

    pub(super) fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    pub(super) async fn run(self: Arc<Self>, tasks: Tasks) {
        while !tasks.is_stopping() {
            let read = async {
                let mut tail = self.open().await?;
                self.news.send_modify(|news| news.state = State::Reading);
                self.read(tail.as_mut()).await
            };
            let ended = tokio::select! {
                () = tasks.stopping() => break,
                ended = read => ended,
            };
            if let Err(error) = ended {
                tracing::warn!(%error, "changes are not followed; it is tried again");
            }
            tasks.pause(PAUSE).await;
        }
        self.catching_up.close();
        self.news.send_modify(|news| news.state = State::Stopped);
    }

    /// Begins as far back as the ring holds, so that followers of the program that ran before find their place in it.
    async fn open(&self) -> Result<Box<dyn Tail>, BusError> {
        let from_now = self.bus.tail(None, &everything()).await?;
        let back = from_now.seen().saturating_sub(self.settings.ring_events as u64);
        let mut tail = match self.bus.tail(Some(back), &everything()).await {
            Err(BusError::Lost { .. }) => from_now,
            opened => opened?,
        };
        self.ring.write().unwrap_or_else(PoisonError::into_inner).begin(Place { number: tail.seen(), tag: 0 });
        loop {
            let list = tail.next(BATCH, Duration::ZERO).await?;
            if list.is_empty() {
                return Ok(tail);
            }
            self.take(&list);
        }
    }

    /// Returns when the bus has lost the order, and whoever follows must start anew.
    async fn read(&self, tail: &mut dyn Tail) -> Result<(), BusError> {
        let mut failing = false;
        loop {
            match tail.next(BATCH, WAIT).await {
                Ok(list) => {
                    failing = false;
                    self.take(&list);
                }
                Err(error @ BusError::Lost { .. }) => {
                    self.news.send_modify(|news| {
                        news.state = State::NotYet;
                        news.order += 1;
                    });
                    return Err(error);
                }
                Err(error) if failing => tracing::debug!(%error, "the bus is still away"),
                Err(error) => {
                    tracing::warn!(%error, "the bus is away; changes come when it is back");
                    failing = true;
                }
            }
        }
    }

    fn take(&self, list: &[Numbered]) {
        let encoded: Vec<_> = list.iter().map(Shared::new).collect();
        let Some(newest) = encoded.last().map(|event| event.place.number) else { return };
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            for event in encoded {
                ring.push(event);
            }
        }
        self.news.send_modify(|news| news.newest = newest);
    }

    /// Whether somebody may go on from `place` and misses nothing.
    pub(super) async fn check(&self, place: Place) -> Result<(), Error> {
        let known = self.ring().knows(place);
        match known {
            Known::Here => return Ok(()),
            Known::Other => return Err(Error::Lost),
            Known::Outside => {}
        }
        let _one_of_few = self.catching_up.acquire().await.map_err(|_| Error::Again("the server stops"))?;
        if place.tag == 0 || place.number == 0 {
            return self.bus.tail(Some(place.number), &everything()).await.map(drop).map_err(of_bus);
        }
        let mut tail = self.bus.tail(Some(place.number - 1), &everything()).await.map_err(of_bus)?;
        let found = tail.next(1, Duration::ZERO).await.map_err(of_bus)?;
        if found.first().is_some_and(|numbered| Place::of(numbered) == place) { Ok(()) } else { Err(Error::Lost) }
    }

    /// Counts one more follower, until the place is dropped.
    pub(super) fn admit(self: &Arc<Self>, who: &str) -> Result<Seat, Error> {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = followers.values().sum();
        let of_one = followers.get(who).copied().unwrap_or_default();
        if of_one >= self.settings.followers_of_one {
            return Err(Error::TooMany(of_one));
        }
        if all >= self.settings.followers {
            return Err(Error::Again("too many follow at once"));
        }
        *followers.entry(who.to_owned()).or_default() += 1;
        Ok(Seat { hub: self.clone(), who: who.into() })
    }
}

/// What a bus that fails means to a follower.
pub(super) fn of_bus(error: BusError) -> Error {
    match error {
        BusError::Lost { .. } => Error::Lost,
        error => {
            tracing::warn!(%error, "a follower cannot be given what it missed");
            Error::Again("the event bus is away")
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("news", &*self.news.borrow()).finish_non_exhaustive()
    }
}

/// The place of one follower among all.
pub(super) struct Seat {
    hub: Arc<Hub>,
    who: Box<str>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut followers = self.hub.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = followers.get_mut(&*self.who) {
            *count -= 1;
            if *count == 0 {
                followers.remove(&*self.who);
            }
        }
    }
}
