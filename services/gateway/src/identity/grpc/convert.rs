//! Messages of the contract to and from what the app works with.

use chassis::{
    Fault,
    access::{Call, Role},
    data::SecretText,
};
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::gateway::v1;
use prost_types::Timestamp;
use tonic::Request;
use uuid::Uuid;

use crate::identity::{
    app::{Invited, Me, NewToken, SESSION_HEADER, ShownAccount, ShownSession, ShownToken},
    domain::{name::NotAName, session::Kind, subset::Subset},
    error::Error,
    store::account::State,
};

/// The session that the door named.
pub(super) fn named<T>(request: &Request<T>) -> Option<Uuid> {
    request.metadata().get(SESSION_HEADER)?.to_str().ok()?.parse().ok()
}

/// What one may not do with one's own account.
pub(super) fn somebody_else(call: &Call, id: Uuid) -> Result<Uuid, Error> {
    if call.subject() == id.to_string() { Err(Error::Oneself) } else { Ok(id) }
}

pub(super) fn id(field: &'static str, text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Fault::field(field, "string.uuid", "must be a UUID").into())
}

pub(super) fn not_a_name(rule: NotAName) -> Error {
    Fault::field("name", "string.pattern", rule.to_string()).into()
}

pub(super) fn text(text: String) -> SecretText {
    SecretText::from(text)
}

fn time(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default() }
}

impl From<Me> for v1::Me {
    fn from(me: Me) -> Self {
        let Me { id, name, factor_set, factor_required, factor_passed } = me;
        Self {
            id: id.to_string(),
            name,
            second_factor_set: factor_set,
            second_factor_required: factor_required,
            second_factor_passed: factor_passed,
        }
    }
}

impl From<ShownSession> for v1::Session {
    fn from(session: ShownSession) -> Self {
        let ShownSession { id, kind, label, created_at, seen_at, expires_at, current } = session;
        let kind = match kind {
            Kind::Browser => v1::session::Kind::Browser,
            Kind::App => v1::session::Kind::App,
            Kind::Personal => v1::session::Kind::Unspecified,
        };
        Self {
            id: id.to_string(),
            kind: kind.into(),
            label,
            created_at: Some(time(created_at)),
            seen_at: Some(time(seen_at)),
            expires_at: Some(time(expires_at)),
            current,
        }
    }
}

impl TryFrom<v1::CreatePersonalTokenRequest> for NewToken {
    type Error = Error;

    fn try_from(request: v1::CreatePersonalTokenRequest) -> Result<Self, Error> {
        let v1::CreatePersonalTokenRequest { label, roles, area_codes, valid_days } = request;
        let read = |code: &String| {
            code.parse().map_err(|e| Error::from(Fault::field("area_codes", "area_code", format!("holds {code}: {e}"))))
        };
        let areas = area_codes.iter().map(read).collect::<Result<_, Error>>()?;
        let known = roles.into_iter().filter_map(|role| Role::try_from(role).ok());
        let roles: Vec<Role> = known.filter(|role| *role != Role::Unspecified).collect();
        if roles.is_empty() {
            return Err(Fault::field("roles", "repeated.min_items", "names no role: name at least one").into());
        }
        Ok(Self { label, subset: Subset { roles, areas }, valid: TimeDelta::days(valid_days.into()) })
    }
}

impl From<ShownToken> for v1::PersonalToken {
    fn from(token: ShownToken) -> Self {
        let ShownToken { id, label, subset: Subset { roles, areas }, created_at, seen_at, expires_at } = token;
        Self {
            id: id.to_string(),
            label,
            roles: roles.into_iter().map(Into::into).collect(),
            area_codes: areas.iter().map(ToString::to_string).collect(),
            created_at: Some(time(created_at)),
            seen_at: seen_at.map(time),
            expires_at: Some(time(expires_at)),
        }
    }
}

impl From<ShownAccount> for v1::Account {
    fn from(account: ShownAccount) -> Self {
        let ShownAccount { row, name } = account;
        let state = match row.state {
            State::Invited => v1::account::State::Invited,
            State::Active => v1::account::State::Active,
            State::Locked => v1::account::State::Locked,
        };
        Self {
            id: row.id.to_string(),
            name,
            state: state.into(),
            second_factor_set: row.totp.is_some(),
            issuer: row.issuer.unwrap_or_default(),
            created_at: Some(time(row.created_at)),
            signed_in_at: row.signed_in_at.map(time),
        }
    }
}

impl From<Invited> for v1::OneTimeCode {
    fn from(invited: Invited) -> Self {
        let Invited { account, code, expires_at } = invited;
        Self { account: Some(account.into()), code, expires_at: Some(time(expires_at)) }
    }
}
