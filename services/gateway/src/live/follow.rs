//! One follower: a place in the order of events, and what it waits for.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::access::Call;
use futures::{Stream, stream};
use linju_proto::gateway::v1::FollowChangesRequest;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tonic::Status;

use super::{
    change::{Place, Shared},
    error::Error,
    hub::{Hub, News, Seat, State, of_bus},
    wanted::Wanted,
};

/// Events that are read from the bus at once: what a follower that stops reading then holds.
const PIECE: usize = 64;

struct Follower {
    hub: Arc<Hub>,
    wanted: Wanted,
    at: Place,
    /// Read from the bus and not yet handed out; behind them the follower is at `then`.
    missed: VecDeque<Arc<Shared>>,
    then: Place,
    news: watch::Receiver<News>,
    order: u64,
    /// Whether it was told where it begins.
    greeted: bool,
    beat: Instant,
    end: Instant,
    /// When it was last given something.
    given: Instant,
    _seat: Seat,
}

/// What came next of a follower's stream.
enum Next {
    Message(Bytes),
    Nothing,
    Behind,
}

/// The changes that the caller follows, encoded. It ends with an error that says how to go on.
pub(super) async fn follow(
    hub: Arc<Hub>,
    call: &Call,
    request: FollowChangesRequest,
) -> Result<impl Stream<Item = Result<Bytes, Status>> + Send + use<>, Error> {
    let wanted = Wanted::read(call.scope(), &request)?;
    let seat = hub.admit(call.subject())?;
    let news = hub.news();
    let now = *news.borrow();
    if now.state != State::Reading {
        return Err(Error::Again("changes cannot be followed now"));
    }
    let at = match request.after.as_str() {
        "" => hub.ring().newest(),
        after => {
            let place = after.parse().map_err(|()| Error::NoPlace)?;
            hub.check(place).await?;
            place
        }
    };
    let (began, settings) = (Instant::now(), &hub.settings);
    let follower = Follower {
        wanted,
        at,
        missed: VecDeque::new(),
        then: at,
        news,
        order: now.order,
        greeted: false,
        beat: began,
        end: began + settings.longest(),
        given: began,
        hub,
        _seat: seat,
    };
    Ok(stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(message) => Some((Ok(message), Some(follower))),
            Err(error) => Some((Err(error.into()), None)),
        }
    }))
}

impl Follower {
    async fn next(&mut self) -> Result<Bytes, Error> {
        let waited = self.given.elapsed();
        let message = self.wait(waited).await;
        self.given = Instant::now();
        message
    }

    /// `unread` is how long the follower has left the last message unread. Whoever takes it may already have asked for the
    /// next one and then take nothing more: so what counts too is how long this sleeps past the news that should wake it.
    async fn wait(&mut self, mut unread: Duration) -> Result<Bytes, Error> {
        loop {
            let news = *self.news.borrow_and_update();
            match news.state {
                _ if news.order != self.order => return Err(Error::Lost),
                State::Stopped => return Err(Error::Again("the server stops")),
                State::NotYet | State::Reading => {}
            }
            let now = Instant::now();
            if now >= self.end {
                return Err(Error::Again("it is time to show your credential again"));
            }
            if !self.greeted {
                // It opens the stream, and says from where to go on should nothing else come.
                self.greeted = true;
                return Ok(self.sign_of_life());
            }
            match self.step() {
                Next::Message(message) => return Ok(message),
                Next::Behind if unread > self.hub.settings.patience() => {
                    return Err(Error::Again("you read more slowly than changes come"));
                }
                Next::Behind => self.catch_up().await?,
                Next::Nothing if now >= self.beat => return Ok(self.sign_of_life()),
                Next::Nothing => {
                    tokio::select! {
                        changed = self.news.changed() => changed.map_err(|_| Error::Again("the server stops"))?,
                        () = sleep_until(self.beat.min(self.end)) => {}
                    }
                    unread = unread.max(now.elapsed());
                }
            }
        }
    }

    /// The next change that is at hand.
    fn step(&mut self) -> Next {
        if let Some(event) = self.missed.pop_front() {
            self.at = if self.missed.is_empty() { self.then } else { event.place };
            return Next::Message(event.message.clone());
        }
        let ring = self.hub.ring();
        let Some(events) = ring.after(self.at.number) else { return Next::Behind };
        for event in events {
            self.at = event.place;
            if self.wanted.takes(event) {
                return Next::Message(event.message.clone());
            }
        }
        Next::Nothing
    }

    /// Reads a piece of what is no longer in the ring.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let hub = self.hub.clone();
        let _one_of_few = hub.catching_up.acquire().await.map_err(|_| Error::Again("the server stops"))?;
        // Taken before the bus is read: what the ring has let go by now is on the bus.
        let floor = hub.ring().floor();
        let subjects = self.wanted.subjects();
        if subjects.is_empty() {
            self.at = floor;
            return Ok(());
        }
        let mut tail = hub.bus.tail(Some(self.at.number), &subjects).await.map_err(of_bus)?;
        let found = tail.next(PIECE, Duration::ZERO).await.map_err(of_bus)?;
        self.then = found.last().map_or(floor, Place::of);
        self.missed.extend(found.iter().map(Shared::new).filter(|event| self.wanted.takes(event)));
        if self.missed.is_empty() {
            self.at = self.then;
        }
        Ok(())
    }

    fn sign_of_life(&mut self) -> Bytes {
        self.beat = Instant::now() + self.hub.settings.heartbeat();
        self.at.sign_of_life()
    }
}
