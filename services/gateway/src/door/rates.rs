//! How often somebody may call: token buckets by caller, address and method, told as the IETF draft has it
//! (draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy`, `RateLimit`).

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::{RateSettings, settings::Rate};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Locks that callers share.
const SHARDS: usize = 16;
/// Buckets behind one lock; whoever comes when they are full shares one.
const MOST: usize = 4_096;

/// Who a bucket belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Caller(String),
    Address(IpAddr),
    /// Everybody for whom there was no place.
    Others,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Policy {
    Caller,
    Address,
    Anonymous,
    SignIn,
    Method(&'static str),
    /// In bytes, not in calls.
    Reading,
}

impl Policy {
    fn name(self) -> String {
        match self {
            Self::Caller => "caller".to_owned(),
            Self::Address => "address".to_owned(),
            Self::Anonymous => "anonymous".to_owned(),
            Self::SignIn => "sign-in".to_owned(),
            Self::Method(path) => path.rsplit('/').next().unwrap_or_default().to_owned(),
            Self::Reading => "reading".to_owned(),
        }
    }
}

/// How one bucket stands after a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) policy: Policy,
    pub(super) rate: Rate,
    /// What is left.
    left: f64,
    /// How long to wait; none where the call may be made.
    pub(super) wait: Option<Duration>,
}

impl Standing {
    fn share(&self) -> f64 {
        self.left / f64::from(self.rate.calls)
    }

    /// Writes the headers: the policy, what is left of it, and in how many seconds it is whole again.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Rate { calls, seconds } = self.rate;
        let name = self.policy.name();
        let unit = if self.policy == Policy::Reading { ";qu=\"content-bytes\"" } else { "" };
        let full_in = (f64::from(calls) - self.left) * f64::from(seconds) / f64::from(calls);
        let (left, full_in) = (self.left.max(0.0).floor(), full_in.max(0.0).ceil());
        let mut set = |header: HeaderName, text: String| {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(header, value);
            }
        };
        set(RATE_LIMIT_POLICY, format!("\"{name}\";q={calls}{unit};w={seconds}"));
        set(RATE_LIMIT, format!("\"{name}\";r={left};t={full_in}"));
    }
}

/// The one that runs out first.
pub(super) fn tighter(one: Option<Standing>, other: Option<Standing>) -> Option<Standing> {
    match (one, other) {
        (Some(a), Some(b)) => Some(if b.share() < a.share() { b } else { a }),
        (one, other) => one.or(other),
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, rate: Rate, now: Instant) {
        let earned = now.duration_since(self.at).as_secs_f64() * f64::from(rate.calls) / f64::from(rate.seconds.max(1));
        self.left = (self.left + earned).min(f64::from(rate.calls));
        self.at = now;
    }
}

type Shard = Mutex<HashMap<(Policy, Who), Bucket>>;

/// All buckets.
#[derive(Debug)]
pub(super) struct Rates {
    settings: RateSettings,
    hasher: RandomState,
    shards: [Shard; SHARDS],
}

impl Rates {
    pub(super) fn new(settings: RateSettings) -> Self {
        Self { settings, hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn rate(&self, policy: Policy) -> Option<Rate> {
        let rate = match policy {
            Policy::Caller => Some(self.settings.caller),
            Policy::Address => Some(self.settings.address),
            Policy::Anonymous => Some(self.settings.anonymous),
            Policy::SignIn => Some(self.settings.sign_in),
            Policy::Method(path) => self.settings.methods.get(path).copied(),
            Policy::Reading => Some(self.settings.reading),
        };
        rate.filter(|rate| rate.calls > 0)
    }

    /// Takes one call; none where there is no limit.
    pub(super) fn take(&self, policy: Policy, who: &Who) -> Option<Standing> {
        self.change(policy, who, |bucket| {
            let may = bucket.left >= 1.0;
            if may {
                bucket.left -= 1.0;
            }
            may
        })
    }

    /// Whether there is anything left, without taking of it.
    pub(super) fn look(&self, policy: Policy, who: &Who) -> Option<Standing> {
        self.change(policy, who, |bucket| bucket.left >= 1.0)
    }

    /// Takes what a call turned out to cost; the bucket may owe it.
    pub(super) fn charge(&self, policy: Policy, who: &Who, cost: usize) {
        #[expect(clippy::cast_precision_loss, reason = "bytes of an answer")]
        let cost = cost as f64;
        self.change(policy, who, |bucket| {
            bucket.left -= cost;
            true
        });
    }

    fn change(&self, policy: Policy, who: &Who, take: impl FnOnce(&mut Bucket) -> bool) -> Option<Standing> {
        let rate = self.rate(policy)?;
        let now = Instant::now();
        let mut key = (policy, who.clone());
        let shard = &self.shards[usize::try_from(self.hasher.hash_one(&key)).unwrap_or(0) % SHARDS];
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(&key) {
            self.prune(&mut buckets, now);
            if buckets.len() >= MOST {
                key.1 = Who::Others;
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: f64::from(rate.calls), at: now });
        bucket.refill(rate, now);
        let may = take(bucket);
        let missing = (1.0 - bucket.left).max(0.0) * f64::from(rate.seconds) / f64::from(rate.calls);
        let wait = (!may).then(|| Duration::from_secs_f64(missing));
        Some(Standing { policy, rate, left: bucket.left, wait })
    }

    /// Forgets buckets that are full again: their owners would get new ones just like them.
    fn prune(&self, buckets: &mut HashMap<(Policy, Who), Bucket>, now: Instant) {
        buckets.retain(|(policy, _), bucket| {
            let Some(rate) = self.rate(*policy) else { return false };
            bucket.refill(rate, now);
            bucket.left < f64::from(rate.calls)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(caller: Rate) -> Rates {
        Rates::new(RateSettings { caller, ..RateSettings::default() })
    }

    fn may(rates: &Rates, who: &Who) -> bool {
        rates.take(Policy::Caller, who).is_none_or(|standing| standing.wait.is_none())
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_has_so_many_calls_and_earns_more() {
        let rates = rates(Rate { calls: 3, seconds: 30 });
        let (one, other) = (Who::Caller("a".to_owned()), Who::Caller("b".to_owned()));
        assert!((0..3).all(|_| may(&rates, &one)) && !may(&rates, &one));
        assert!(may(&rates, &other), "each has their own");
        let standing = rates.look(Policy::Caller, &one);
        assert_eq!(standing.and_then(|s| s.wait), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(may(&rates, &one) && !may(&rates, &one));
    }

    #[tokio::test(start_paused = true)]
    async fn headers_tell_what_is_left() {
        let rates = rates(Rate { calls: 10, seconds: 60 });
        let mut headers = HeaderMap::new();
        if let Some(standing) = rates.take(Policy::Caller, &Who::Others) {
            standing.tell(&mut headers);
        }
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"caller\";q=10;w=60");
        assert_eq!(headers[RATE_LIMIT], "\"caller\";r=9;t=6");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_is_owed() {
        let rates = Rates::new(RateSettings { reading: Rate { calls: 100, seconds: 100 }, ..RateSettings::default() });
        let who = Who::Caller("a".to_owned());
        let may = || rates.look(Policy::Reading, &who).is_some_and(|standing| standing.wait.is_none());
        assert!(may());
        rates.charge(Policy::Reading, &who, 300);
        assert!(!may());
        tokio::time::advance(Duration::from_secs(200)).await;
        assert!(!may());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(may());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_costs_no_more_memory_than_a_limit() {
        let rates = rates(Rate { calls: 2, seconds: 60 });
        for n in 0..(SHARDS * MOST + 10_000) {
            may(&rates, &Who::Caller(n.to_string()));
        }
        let held = || rates.shards.iter().map(|s| s.lock().map_or(0, |s| s.len())).sum::<usize>();
        assert!(held() <= SHARDS * (MOST + 1), "{}", held());
        tokio::time::advance(Duration::from_mins(2)).await;
        for n in 0..250 {
            for m in 0..4 {
                assert!(may(&rates, &Who::Address(IpAddr::from([10, 0, m, n]))));
            }
        }
        assert!(held() < MOST * SHARDS / 2, "{}", held());
    }

    #[test]
    fn no_calls_means_no_limit() {
        let rates = rates(Rate { calls: 0, seconds: 60 });
        assert_eq!(rates.take(Policy::Caller, &Who::Others), None);
    }
}
