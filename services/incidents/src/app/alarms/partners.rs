//! The register of partners; whoever runs the program keeps it from the command line.

use chassis::data::{AreaCode, AreaLevel};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::AlarmDesk;
use crate::{domain::alarm::AlarmKind, error::Error, store::alarms::partner};

/// What is agreed with a partner.
#[derive(Clone, Debug)]
pub struct NewPartner {
    pub name: String,
    /// The public nkey.
    pub key: String,
    pub areas: Vec<AreaCode>,
    pub kinds: Vec<AlarmKind>,
    pub video_hosts: Vec<String>,
    /// Messages a second.
    pub rate: i32,
}

/// Why a partner cannot be entered or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPartner {
    #[error("`{0}` is no name of a partner: 2 to 31 lower-case letters, digits and `-`, a letter first, and not `v1`")]
    Name(String),
    #[error("{0} is smaller than a community: events are published by community, so agree on that one or a wider area")]
    TooSmall(AreaCode),
    #[error("there is a partner `{0}` already: rotate its key, or remove it first")]
    There(String),
    #[error("there is no partner `{0}`: see `linju partner list`")]
    Absent(String),
}

impl AlarmDesk {
    /// Enters a partner, or again one that was removed.
    pub async fn add_partner(&self, new: NewPartner) -> Result<Result<(), NotAPartner>, Error> {
        if let Err(refused) = check(&new) {
            return Ok(Err(refused));
        }
        let NewPartner { name, key, areas, kinds, video_hosts, rate } = new;
        let known = partner::find_any(self.app.db.read(), &name).await?;
        if known.as_ref().is_some_and(|known| !known.removed) {
            return Ok(Err(NotAPartner::There(name)));
        }
        let now = self.app.clock.now();
        let list = |texts: Vec<String>| serde_json::Value::from(texts).to_string();
        let row = partner::ActiveModel {
            name: Set(name),
            key: Set(key),
            areas: Set(list(widest(areas).iter().map(ToString::to_string).collect())),
            kinds: Set(list(kinds.iter().map(ToString::to_string).collect())),
            video_hosts: Set(list(video_hosts.iter().map(|host| host.to_ascii_lowercase()).collect())),
            rate: Set(rate),
            removed: Set(false),
            created_at: Set(known.as_ref().map_or(now, |known| known.created_at)),
            changed_at: Set(now),
        };
        let is_known = known.is_some();
        let written = self.app.db.write::<_, Error, _>(move |tx| {
            let row = row.clone();
            Box::pin(async move {
                if is_known {
                    row.update(tx).await?
                } else {
                    row.insert(tx).await?
                };
                Ok(())
            })
        });
        written.await.map(Ok)
    }

    /// Gives a partner another key.
    pub async fn rotate_partner(&self, name: &str, key: String) -> Result<Result<(), NotAPartner>, Error> {
        self.change_partner(name, move |row| row.key = Set(key.clone())).await
    }

    /// Lets a partner in no more. Its name stays with what it sent.
    pub async fn remove_partner(&self, name: &str) -> Result<Result<(), NotAPartner>, Error> {
        self.change_partner(name, |row| row.removed = Set(true)).await
    }

    /// All partners by name, those that were removed too.
    pub async fn partners(&self) -> Result<Vec<partner::Model>, Error> {
        Ok(partner::all(self.app.db.read()).await?)
    }

    async fn change_partner(
        &self,
        name: &str,
        change: impl Fn(&mut partner::ActiveModel),
    ) -> Result<Result<(), NotAPartner>, Error> {
        let Some(row) = partner::find(self.app.db.read(), name).await? else {
            return Ok(Err(NotAPartner::Absent(name.to_owned())));
        };
        let mut changed = row.into_active_model();
        change(&mut changed);
        changed.changed_at = Set(self.app.clock.now());
        let written = self.app.db.write::<_, Error, _>(move |tx| {
            let changed = changed.clone();
            Box::pin(async move {
                changed.update(tx).await?;
                Ok(())
            })
        });
        written.await.map(Ok)
    }
}

fn check(new: &NewPartner) -> Result<(), NotAPartner> {
    let name = &new.name;
    let is_name = (2..=31).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    // `linju.in.v1.…` would be an event's subject.
    if !is_name || name == "v1" {
        return Err(NotAPartner::Name(name.clone()));
    }
    match new.areas.iter().find(|area| area.level() == AreaLevel::Grid) {
        Some(area) => Err(NotAPartner::TooSmall(*area)),
        None => Ok(()),
    }
}

/// Without those that lie in others: the subjects made of them must not overlap.
fn widest(mut areas: Vec<AreaCode>) -> Vec<AreaCode> {
    areas.sort_unstable();
    areas.dedup();
    let all = areas.clone();
    areas.retain(|area| !all.iter().any(|other| other != area && other.contains(*area)));
    areas
}
