//! The use cases. Two doors lead here: the calls in `grpc` and the events and timers in `events`.

mod catalogue;
mod demo;
mod life;
mod memberships;
pub mod organisations;
mod people;
mod proofs;
mod rota;
mod standing;
mod teams;

use chassis::{
    data::{Clock, Db, Ids, Keyring, Place, Sealed, SecretText},
    events::Outbox,
    run::Context,
};
use chrono::NaiveDate;

pub use catalogue::{ItemsOf, SERVICE_ITEM, Said, ShownItem};
pub use demo::{DemoOptions, DemoOutcome};
pub use life::Step;
pub use people::{NewVolunteer, Shown, VolunteerUpdate, VolunteersOf};
pub use proofs::{
    NewConsent, NewInsurance, NewQualification, Request, ShownConsent, ShownInsurance, ShownQualification,
};
pub use rota::{DutiesOf, NewDuties, ShownDuty};
pub use standing::STANDING;
pub use teams::{NewTeam, ShownMember, ShownTeam, TeamUpdate, TeamsOf};

use crate::{config::Settings, domain::china, error::Error};

/// What every use case works with.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub keys: Keyring,
    pub outbox: Outbox,
    pub settings: Settings,
}

impl App {
    pub fn new(context: Context, settings: Settings) -> Self {
        let Context { db, clock, ids, keys, outbox, message_bytes: _, settings: _ } = context;
        Self { db, clock, ids, keys, outbox, settings }
    }

    /// The day it is in China.
    pub fn today(&self) -> NaiveDate {
        china::day_of(self.clock.now())
    }

    /// Seals a text; an empty one is none.
    pub fn seal(&self, place: Place, text: &str) -> Result<Option<Sealed>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.keys.seal(place, text)?))
    }

    /// Opens what was sealed; none stays none.
    pub async fn open(&self, place: Place, sealed: Option<&Sealed>) -> Result<Option<SecretText>, Error> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.keys.open_fresh(place, sealed).await?))
    }
}
