//! Messages from outside: what partners publish or ask, in bytes that nobody has vouched for.
//!
//! Each sender has a lane of its own, so that one who floods fills only that lane. Who sent a message is told by the bus,
//! which puts the sender's name into the subject, and never by the message. A message is done with once what follows from
//! it is committed; until then it comes again.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{BusError, HandlerError, SharedBus, backoff::backoff, handler::passes};
use crate::run::Tasks;

/// Somebody outside who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Lower-case letters, digits and `-`.
    pub name: String,
    /// Subjects of events that it may read.
    pub reads: Vec<String>,
}

/// One message from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The last part of its subject, for example `alarm`.
    pub kind: String,
    pub body: Bytes,
}

/// What a service does with messages from outside.
#[async_trait]
pub trait Intake: Send + Sync + 'static {
    /// Who is let in now.
    async fn senders(&self) -> Result<Vec<Sender>, HandlerError>;

    /// Takes messages of one sender and commits what follows: an answer to each, in their order. What is wrong with a
    /// message is an answer; an error is our own, and they come again.
    async fn take(&self, sender: &str, messages: Vec<Incoming>) -> Result<Vec<Bytes>, HandlerError>;

    /// Notes a message that could not be taken for a reason of our own, and gives the answer to it.
    async fn give_up(&self, sender: &str, message: &Incoming, reason: &str) -> Result<Bytes, HandlerError>;
}

/// The bus's side: a lane a sender.
#[async_trait]
pub trait Lanes: Send + Sync {
    /// What the sender publishes: kept until it is done with.
    async fn published(&self, sender: &Sender) -> Result<Box<dyn Lane>, BusError>;

    /// What the sender asks and waits for: not kept.
    async fn asked(&self, sender: &Sender) -> Result<Box<dyn Lane>, BusError>;

    /// Takes down what lanes of others left behind.
    async fn keep_only(&self, names: &[String]) -> Result<(), BusError>;
}

/// Messages of one sender, in order.
#[async_trait]
pub trait Lane: Send {
    /// Up to `most`; none where none came within `wait`.
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError>;

    /// Done with these; each is answered where somebody waits.
    async fn done(&mut self, received: &[Received], answers: Vec<Bytes>) -> Result<(), BusError>;
}

/// A message on its lane.
#[derive(Clone, Debug)]
pub struct Received {
    pub incoming: Incoming,
    /// The bus's own mark of it.
    pub(super) token: String,
}

/// Messages read and committed together.
const BATCH: usize = 500;
/// How long a lane is listened to; bounds also how long shutdown waits for an idle one.
const LISTEN: Duration = Duration::from_millis(500);
/// How often it is looked who is let in.
const LOOK: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Tries of one message before it is given up.
const ATTEMPTS: u32 = 3;

/// Reads the lanes of all senders. On a bus that nobody outside can reach it does nothing.
#[derive(Clone)]
pub struct IngressRunner {
    pub bus: SharedBus,
    pub tasks: Tasks,
    pub intake: Arc<dyn Intake>,
}

struct Open {
    sender: Sender,
    stop: CancellationToken,
}

impl IngressRunner {
    /// Runs until the program stops. Several copies share the lanes.
    pub async fn run(self) {
        let Some(lanes) = self.bus.lanes() else { return };
        let mut open: HashMap<String, Open> = HashMap::new();
        let mut cleared = false;
        while !self.tasks.is_stopping() {
            match self.intake.senders().await {
                Ok(senders) => {
                    let changed = self.follow(&lanes, &mut open, senders);
                    if changed || !cleared {
                        let names: Vec<_> = open.keys().cloned().collect();
                        cleared = lanes.keep_only(&names).await.is_ok();
                    }
                }
                Err(error) => tracing::warn!(%error, "it is looked again who is let in"),
            }
            self.tasks.pause(LOOK).await;
        }
    }

    /// Opens lanes of new senders and ends those of others; says whether one has ended.
    fn follow(&self, lanes: &Arc<dyn Lanes>, open: &mut HashMap<String, Open>, senders: Vec<Sender>) -> bool {
        let before = open.len();
        open.retain(|_, lane| {
            let stays = senders.contains(&lane.sender);
            if !stays {
                lane.stop.cancel();
            }
            stays
        });
        let ended = open.len() < before;
        for sender in senders {
            if open.contains_key(&sender.name) {
                continue;
            }
            let stop = CancellationToken::new();
            for asks in [false, true] {
                let lane = LaneRunner {
                    of: self.clone(),
                    lanes: Arc::clone(lanes),
                    sender: sender.clone(),
                    asks,
                    stop: stop.clone(),
                };
                self.tasks.spawn(lane.run());
            }
            open.insert(sender.name.clone(), Open { sender, stop });
        }
        ended
    }
}

struct LaneRunner {
    of: IngressRunner,
    lanes: Arc<dyn Lanes>,
    sender: Sender,
    asks: bool,
    stop: CancellationToken,
}

impl LaneRunner {
    async fn run(self) {
        let mut failures = 0u32;
        while !self.is_stopping() {
            let opened =
                if self.asks { self.lanes.asked(&self.sender).await } else { self.lanes.published(&self.sender).await };
            let ended = match opened {
                Ok(mut lane) => self.read(lane.as_mut(), &mut failures).await,
                Err(error) => Err(error),
            };
            let Err(error) = ended else { return };
            failures = failures.saturating_add(1);
            if failures == 1 {
                tracing::warn!(sender = self.sender.name, %error, "messages from outside cannot be read; it is tried again");
            }
            self.of.tasks.pause(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE)).await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_cancelled() || self.of.tasks.is_stopping()
    }

    async fn read(&self, lane: &mut dyn Lane, failures: &mut u32) -> Result<(), BusError> {
        while !self.is_stopping() {
            let received = tokio::select! {
                received = lane.next(BATCH, LISTEN) => received?,
                () = self.stop.cancelled() => return Ok(()),
            };
            *failures = 0;
            self.take(lane, received).await?;
        }
        Ok(())
    }

    /// All of them together, and where that fails one by one.
    async fn take(&self, lane: &mut dyn Lane, received: Vec<Received>) -> Result<(), BusError> {
        if received.is_empty() {
            return Ok(());
        }
        if received.len() > 1
            && let Ok(answers) = self.attempt(&received).await
        {
            return lane.done(&received, answers).await;
        }
        for one in received {
            let one = [one];
            match self.take_one(&one).await {
                Some(answers) => lane.done(&one, answers).await?,
                // It comes again when the program runs again.
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The answer to one message; none where the program stops before there is one.
    async fn take_one(&self, one: &[Received; 1]) -> Option<Vec<Bytes>> {
        let (mut attempts, mut outages) = (0, 0);
        loop {
            let error = match self.attempt(one).await {
                Ok(answers) => return Some(answers),
                Err(error) => error,
            };
            let is_outage = matches!(&error, HandlerError::Db(error) if passes(error));
            if is_outage {
                outages += 1;
            } else {
                attempts += 1;
            }
            tracing::warn!(sender = self.sender.name, %error, attempts, outages, "a message from outside waits");
            if attempts == ATTEMPTS {
                let noted = self.of.intake.give_up(&self.sender.name, &one[0].incoming, &error.to_string()).await;
                match noted {
                    Ok(answer) => return Some(vec![answer]),
                    Err(_) => attempts -= 1,
                }
            }
            self.of.tasks.pause(backoff(outages + attempts, FIRST_PAUSE, LONGEST_PAUSE)).await;
            if self.is_stopping() {
                return None;
            }
        }
    }

    /// A handler that panics has failed.
    async fn attempt(&self, received: &[Received]) -> Result<Vec<Bytes>, HandlerError> {
        let messages = received.iter().map(|one| one.incoming.clone()).collect();
        let work = self.of.intake.take(&self.sender.name, messages);
        let answers = AssertUnwindSafe(work).catch_unwind().await;
        let answers = answers.map_err(|_| HandlerError::Failed("the handler panicked".to_owned()))??;
        if answers.len() == received.len() {
            Ok(answers)
        } else {
            Err(HandlerError::Failed("the handler did not answer each message".to_owned()))
        }
    }
}
