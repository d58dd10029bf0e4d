//! Counting attempts before they are made.

use std::net::IpAddr;

use chassis::data::Tx;
use chrono::TimeDelta;
use uuid::Uuid;

use super::App;
use crate::identity::{
    domain::{
        bearer::{Bearer, Use},
        throttle::Against,
    },
    error::Error,
    store::{device, throttle},
};

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The address that the door found out.
    pub address: Option<IpAddr>,
    /// The token by which a browser or app shows that it has signed in before.
    pub device: Option<Bearer>,
    /// What it calls itself.
    pub label: String,
    /// The trace of the request, for the audit log.
    pub trace: String,
}

impl Client {
    /// The address as it is counted: of IPv6 the network, since one house has as many addresses as it likes.
    fn counted_address(&self) -> String {
        match self.address {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => mapped.to_string(),
                None => format!("{:x?}", &address.segments()[..4]),
            },
        }
    }
}

/// An attempt that was counted as a failure until it succeeds.
#[derive(Clone, Debug)]
pub(super) struct Attempt(Vec<(Vec<u8>, Against)>);

impl App {
    /// Counts an attempt to sign in as `of`, or says how long to wait. It is the same for accounts that do not exist:
    /// `account` is then the nil UUID.
    pub(super) async fn begin_attempt(
        &self,
        of: &str,
        all_places: Against,
        account: Uuid,
        client: &Client,
    ) -> Result<Attempt, Error> {
        let device = client.device.as_ref().filter(|device| device.usage() == Use::Device).map(Bearer::hash);
        let known = match device {
            Some(hash) => device::is_known(self.db.read(), hash, account).await?,
            None => false,
        };
        let key = |what: String| throttle::key(&self.keys, &what);
        let counters = if let (true, Some(device)) = (known, &client.device) {
            vec![(key(format!("{of} from {}", device.derive("counter"))), Against::Place)]
        } else {
            let address = client.counted_address();
            vec![
                (key(format!("{of} from {address}")), Against::Place),
                (key(format!("from {address}")), Against::Address),
                (key(of.to_owned()), all_places),
            ]
        };
        self.begin(Attempt(counters)).await
    }

    /// Counts an attempt that somebody makes who is signed in already: nobody else can make them wait.
    pub(super) async fn begin_attempt_inside(&self, account: Uuid) -> Result<Attempt, Error> {
        let key = throttle::key(&self.keys, &format!("inside {account}"));
        self.begin(Attempt(vec![(key, Against::Place)])).await
    }

    async fn begin(&self, attempt: Attempt) -> Result<Attempt, Error> {
        let (app, counted) = (self.clone(), attempt.clone());
        let written = self.db.write(move |tx| {
            let (app, counted) = (app.clone(), counted.clone());
            Box::pin(async move { app.count(tx, &counted).await })
        });
        written.await?;
        Ok(attempt)
    }

    async fn count(&self, tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
        let now = self.clock.now();
        let keys: Vec<_> = attempt.0.iter().map(|(key, _)| key.clone()).collect();
        let counters = throttle::hold(tx, &keys, now).await?;
        let wait = counters.iter().filter_map(|counter| counter.wait(now)).max();
        if let Some(wait) = wait {
            // In whole seconds, rounded up: whoever waits so long does not come a moment too early.
            let wait = (wait + TimeDelta::milliseconds(999)).num_seconds();
            return Err(Error::TooManyTries(std::time::Duration::from_secs(wait.unsigned_abs())));
        }
        for (counter, (key, against)) in counters.into_iter().zip(&attempt.0) {
            throttle::write(tx, key, counter.count(*against, now)).await?;
        }
        Ok(())
    }

    /// Takes an attempt back that succeeded.
    pub(super) async fn take_back(&self, tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
        let keys: Vec<_> = attempt.0.iter().map(|(key, _)| key.clone()).collect();
        let counters = throttle::hold(tx, &keys, self.clock.now()).await?;
        for (counter, (key, against)) in counters.into_iter().zip(&attempt.0) {
            throttle::write(tx, key, counter.take_back(*against)).await?;
        }
        Ok(())
    }
}
