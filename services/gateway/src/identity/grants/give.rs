//! Giving a role: what every way to a grant passes, whoever asks for it.

use chassis::{
    access::{Role, role_code, role_of},
    data::{AreaCode, Tx},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use uuid::Uuid;

use super::{
    error::GrantError,
    rules::{EVERYWHERE, HeldRole, Period, clash},
    store::{self, grant},
};
use crate::identity::store::revision;

/// A grant to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    pub account: Uuid,
    pub role: Role,
    /// None: everywhere.
    pub area: Option<AreaCode>,
    pub unit: Option<String>,
    pub place: Option<Uuid>,
    pub person: Option<Uuid>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    /// Who gives it: the subject of a call, or the part of the program (`first start`, `oidc`).
    pub by: String,
    pub reason: String,
}

impl NewGrant {
    /// What fits the role: an area or everywhere, a unit, a place, a person.
    fn check(&self) -> Result<(), GrantError> {
        let Self { role, area, unit, place, person, starts_at, ends_at, .. } = self;
        if area.is_none() && !EVERYWHERE.contains(role) {
            return Err(GrantError::field("area_code", "required", "is missing: this role holds within an area"));
        }
        let rules = [
            ("unit", unit.is_some(), unit_of(*role)),
            ("place_id", place.is_some(), place_of(*role)),
            ("person_id", person.is_some(), person_of(*role)),
        ];
        for (field, is_set, need) in rules {
            match need {
                Need::Must if !is_set => {
                    return Err(GrantError::field(field, "required", "is missing for this role: set it"));
                }
                Need::Never if is_set => {
                    return Err(GrantError::field(field, "role", "does not go with this role: leave it out"));
                }
                _ => {}
            }
        }
        if ends_at.is_some_and(|end| end <= *starts_at) {
            return Err(GrantError::field("ends_at", "timestamp.after", "is not after the start: set a later time"));
        }
        Ok(())
    }

    fn period(&self) -> Period {
        Period { start: self.starts_at, end: self.ends_at }
    }
}

enum Need {
    Must,
    May,
    Never,
}

fn unit_of(role: Role) -> Need {
    match role {
        Role::Handler | Role::Partner => Need::Must,
        Role::TeamLeader | Role::Volunteer => Need::May,
        _ => Need::Never,
    }
}

fn place_of(role: Role) -> Need {
    if matches!(role, Role::CentreStaff | Role::YouthStaff) { Need::Must } else { Need::Never }
}

fn person_of(role: Role) -> Need {
    if matches!(role, Role::Resident | Role::Volunteer) { Need::May } else { Need::Never }
}

/// Gives the role with the commit of `tx`, or says what excludes it. The revision is raised first: it lets one change
/// through at a time, so that of two grants at once the second sees the first.
pub async fn give(tx: &Tx, id: Uuid, now: DateTime<Utc>, new: NewGrant) -> Result<(), GrantError> {
    new.check()?;
    revision::bump(tx).await?;
    let wanted = HeldRole { role: new.role, period: new.period() };
    let coming = store::coming(tx, new.account, now).await?;
    let held: Vec<HeldRole> = coming.iter().filter_map(grant::Model::held).collect();
    if let Some(clash) = clash(&held, wanted) {
        return Err(GrantError::Excluded(clash));
    }
    if let Some(person) = new.person {
        if coming.iter().any(|grant| grant.person.is_some_and(|own| own != person)) {
            return Err(GrantError::HasAnotherPerson);
        }
        if store::links_to(tx, person, now).await?.iter().any(|grant| grant.account != new.account) {
            return Err(GrantError::PersonTaken);
        }
    }
    let NewGrant { account, role, area, unit, place, person, starts_at, ends_at, by, reason } = new;
    let row = grant::Model {
        id,
        account,
        role: role_code(role),
        area,
        unit,
        place,
        person,
        starts_at,
        ends_at,
        granted_by: by,
        reason,
        created_at: now,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
    };
    row.into_active_model().insert(tx).await?;
    Ok(())
}

impl grant::Model {
    /// The role and its time; none for a role that this version does not know.
    pub(super) fn held(&self) -> Option<HeldRole> {
        let period = Period { start: self.starts_at, end: self.ends_at };
        Some(HeldRole { role: role_of(&self.role)?, period })
    }
}
