//! What waits at the same time is done together.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

/// Gathers pieces of work that are cheaper together than one by one: reads by id into one statement, small commits into one.
///
/// A few lanes work at once. Whoever finds one free takes along all that waits, itself included; who comes while all are
/// busy waits for the next. So a single caller loses nothing, and the more there are, the more they share. It has no task of
/// its own: the work runs in one of its callers.
#[derive(Debug)]
pub struct Together<I, O> {
    waiting: Mutex<Vec<Waiting<I, O>>>,
    lanes: Semaphore,
    most: usize,
}

#[derive(Debug)]
struct Waiting<I, O> {
    item: I,
    answer: oneshot::Sender<O>,
}

impl<I, O> Together<I, O> {
    /// At most `lanes` groups are under way at once, each of at most `most` items.
    pub fn new(lanes: usize, most: usize) -> Self {
        Self { waiting: Mutex::default(), lanes: Semaphore::new(lanes), most }
    }

    /// What `work` answers for `item`. `work` is given some items, this one perhaps among them, and answers each in their
    /// order; all callers bring the same. `None`: the caller in which it ran has gone away, or `work` left the item out.
    pub async fn ask<F, Fut>(&self, item: I, mut work: F) -> Option<O>
    where
        F: FnMut(Vec<I>) -> Fut,
        Fut: Future<Output = Vec<O>>,
    {
        let (answer, mut answered) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { item, answer });
        loop {
            let lane = tokio::select! {
                biased;
                answer = &mut answered => return answer.ok(),
                lane = self.lanes.acquire() => lane.ok()?,
            };
            let (items, answers): (Vec<I>, Vec<_>) = self.take().into_iter().map(|w| (w.item, w.answer)).unzip();
            if items.is_empty() {
                // Another lane has taken this one along.
                drop(lane);
                return answered.await.ok();
            }
            let outcomes = work(items).await;
            drop(lane);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Refused by a caller who has gone away.
                let _ = answer.send(outcome);
            }
        }
    }

    /// The next group, in the order in which they came.
    fn take(&self) -> Vec<Waiting<I, O>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let next = waiting.len().min(self.most);
        waiting.drain(..next).collect()
    }
}
