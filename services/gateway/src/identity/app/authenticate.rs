//! From a request's credential to who calls.

use std::{sync::Arc, time::Duration};

use chassis::access::{Grant, Principal};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, header, request::Parts};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{App, known::Entry};
use crate::identity::{
    caller::{Caller, Credential, Refused},
    domain::{
        bearer::{Bearer, Use},
        session::{Kind, SEEN_EVERY},
        subset::Subset,
    },
    grants::grants_on_behalf,
    settings::IdentitySettings,
    store::{account::State, revision, session},
};

/// Names the session to the services of the gateway itself. A session is only ever taken as its own account's, so whoever
/// else sets it gains nothing.
pub const SESSION_HEADER: &str = "linju-session";
const ON_BEHALF: &str = "linju-on-behalf";
const CSRF: &str = "x-csrf-token";

/// The names of cookies. By TLS they begin with `__Host-`: no neighbouring host and no plain connection can set them.
pub mod cookie {
    pub const SESSION: &str = "linju_session";
    pub const DEVICE: &str = "linju_device";
    pub const OIDC: &str = "linju_oidc";
}

impl App {
    /// Who sent the request. Without any credential it is nobody; a credential that is not valid is refused, also where
    /// nobody would do.
    pub async fn authenticate(&self, parts: &Parts, now: DateTime<Utc>) -> Result<Caller, Refused> {
        let Some(bearer) = credential(&parts.headers, &self.settings)? else {
            if parts.headers.contains_key(ON_BEHALF) {
                return Err(Refused::NoMandate);
            }
            return Ok(Caller { principal: Principal::nobody(), credential: Credential::None });
        };
        let entry = self.look_up(&bearer, now).await?;
        if bearer.usage() == Use::Cookie && !is_safe(&parts.method) && !has_csrf(&parts.headers, &bearer) {
            return Err(Refused::CsrfMissing);
        }
        let found = &entry.found;
        let credential = match found.kind {
            Kind::Browser => Credential::Session(found.session_id),
            Kind::App => Credential::Access(found.session_id),
            Kind::Personal => Credential::Personal(found.session_id),
        };
        let lacks_factor = self.lacks_factor(&entry);
        if lacks_factor && !serves_without_factor(parts.uri.path()) {
            return Err(Refused::SecondFactorNeeded);
        }
        let on_behalf = person(&parts.headers)?;
        let grants = match on_behalf {
            _ if lacks_factor => Vec::new(),
            None => narrowed(found.subset.as_deref(), entry.grants.clone()),
            // A program's token is made for what its owner does; a mandate is given to the person.
            Some(_) if found.kind == Kind::Personal => return Err(Refused::NoMandate),
            Some(person) => {
                let grants = grants_on_behalf(self.db.read(), found.account_id, person, now).await;
                grants.map_err(|e| unavailable(&e))?.ok_or(Refused::NoMandate)?
            }
        };
        let subject = found.account_id.to_string();
        let on_behalf = on_behalf.map(|person| person.to_string());
        Ok(Caller { principal: Principal { subject, on_behalf, grants }, credential })
    }

    /// The session of a token that is valid now.
    pub(super) async fn look_up(&self, bearer: &Bearer, now: DateTime<Utc>) -> Result<Arc<Entry>, Refused> {
        let hash = bearer.hash();
        let entry = match self.known.get(&hash, now) {
            Some(entry) => entry,
            None => self.read_entry(bearer, now).await.map_err(|e| unavailable(&e))?.ok_or(Refused::NotValid)?,
        };
        self.holds(&entry.found, bearer.usage(), now).then_some(entry).ok_or(Refused::NotValid)
    }

    async fn read_entry(&self, bearer: &Bearer, now: DateTime<Utc>) -> Result<Option<Arc<Entry>>, DbErr> {
        let generation = self.known.generation();
        let hash = bearer.hash();
        let Some(found) = session::find_bearer(self.db.read(), &hash).await? else { return Ok(None) };
        if !self.holds(&found, bearer.usage(), now) {
            return Ok(None);
        }
        let grants = self.grants(found.account_id, found.claimed.as_deref(), now).await?;
        if found.seen_at.is_none_or(|seen| now - seen >= SEEN_EVERY) {
            self.saw(found.session_id, now).await;
        }
        let entry = Arc::new(Entry { found, grants, read_at: now });
        self.known.keep(hash, entry.clone(), generation);
        Ok(Some(entry))
    }

    /// A use that cannot be written down is no reason to refuse the call.
    async fn saw(&self, id: Uuid, now: DateTime<Utc>) {
        let written = self.db.write::<_, DbErr, _>(move |tx| Box::pin(async move { session::saw(tx, id, now).await }));
        if let Err(error) = written.await {
            tracing::debug!(%error, "the use of a session was not noted");
        }
    }

    /// Whether the token, its session and its account are valid now.
    pub(super) fn holds(&self, found: &session::Found, usage: Use, now: DateTime<Utc>) -> bool {
        let fits = match usage {
            Use::Cookie => found.kind == Kind::Browser,
            Use::Access => found.kind == Kind::App,
            Use::Personal => found.kind == Kind::Personal,
            Use::Refresh | Use::Device => false,
        };
        let seen_at = found.seen_at.unwrap_or(found.created_at);
        fits && found.ended_at.is_none()
            && found.used_at.is_none()
            && found.state == State::Active
            && now < found.bearer_expires_at
            && self.settings.lives().hold(found.kind, seen_at, found.expires_at, now)
    }

    /// Whether the session gives no rights until its second factor is passed: because one is set, or because a right asks
    /// for one.
    pub(super) fn lacks_factor(&self, entry: &Entry) -> bool {
        let required = || entry.grants.iter().any(|grant| self.settings.require_second_factor.contains(&grant.role));
        !entry.found.factor && (entry.found.totp_set || required())
    }

    /// The browser's session of a cookie that is valid now, for the routes of `/auth`.
    pub async fn cookie_session(
        &self,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Result<(Bearer, session::Found), Refused> {
        let bearer = named_cookie(headers, &self.settings, cookie::SESSION).ok_or(Refused::NotValid)?;
        let entry = self.look_up(&bearer, now).await?;
        Ok((bearer, entry.found.clone()))
    }

    /// Hears whether something was taken away by another copy.
    pub async fn hear_revision(&self) -> Result<(), DbErr> {
        self.known.hear(revision::read(self.db.read()).await?);
        Ok(())
    }
}

/// The token that comes with a request. A header goes before a cookie: no other site can make a browser send one.
fn credential(headers: &HeaderMap, settings: &IdentitySettings) -> Result<Option<Bearer>, Refused> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = sent.next() {
        let bearer = value.to_str().ok().and_then(|v| v.strip_prefix("Bearer ")).and_then(Bearer::read);
        let bearer = bearer.filter(|b| matches!(b.usage(), Use::Access | Use::Personal) && sent.next().is_none());
        return bearer.map(Some).ok_or(Refused::NotValid);
    }
    if !has_cookie(headers, &settings.cookie(cookie::SESSION)) {
        return Ok(None);
    }
    named_cookie(headers, settings, cookie::SESSION).map(Some).ok_or(Refused::NotValid)
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    cookies(headers).any(|(found, _)| found == name)
}

/// The text of a cookie that stands once; of two, one was slipped in.
pub(in crate::identity) fn cookie_text<'h>(
    headers: &'h HeaderMap,
    settings: &IdentitySettings,
    name: &str,
) -> Option<&'h str> {
    let name = settings.cookie(name);
    let mut found = cookies(headers).filter(|(found, _)| *found == name).map(|(_, value)| value);
    found.next().filter(|_| found.next().is_none())
}

/// The token in a cookie of ours.
pub(in crate::identity) fn named_cookie(
    headers: &HeaderMap,
    settings: &IdentitySettings,
    name: &str,
) -> Option<Bearer> {
    let usage = if name == cookie::SESSION { Use::Cookie } else { Use::Device };
    cookie_text(headers, settings, name).and_then(Bearer::read).filter(|bearer| bearer.usage() == usage)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the request brings the token that belongs to the session's cookie. Another site can make a browser send the
/// cookie, but can neither read it nor compute this.
pub(in crate::identity) fn has_csrf(headers: &HeaderMap, cookie: &Bearer) -> bool {
    let sent = headers.get(CSRF).map(http::HeaderValue::as_bytes).unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(sent, cookie.derive("csrf").as_bytes()).is_ok()
}

/// What somebody needs who has yet to set up or enter the second factor.
fn serves_without_factor(path: &str) -> bool {
    path == "/v1/me"
        || path.starts_with("/v1/me/")
        || path.starts_with("/v1/me:")
        || path.starts_with("/linju.gateway.v1.AccountService/")
}

fn person(headers: &HeaderMap) -> Result<Option<Uuid>, Refused> {
    let mut sent = headers.get_all(ON_BEHALF).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    let person = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|_| sent.next().is_none());
    person.map(Some).ok_or(Refused::NoMandate)
}

/// A subset that cannot be read gives nothing.
fn narrowed(subset: Option<&str>, grants: Vec<Grant>) -> Vec<Grant> {
    match subset {
        None => grants,
        Some(json) => Subset::from_json(json).map(|subset| subset.of(grants)).unwrap_or_default(),
    }
}

fn unavailable(error: &DbErr) -> Refused {
    tracing::warn!(%error, "a credential cannot be looked up");
    Refused::Unavailable(Duration::from_secs(1))
}
