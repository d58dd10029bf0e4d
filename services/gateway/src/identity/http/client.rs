//! Where a request comes from.

use std::net::IpAddr;

use http::{HeaderMap, header, request::Parts};

use crate::identity::{
    app::{Client, cookie, named_cookie},
    domain::bearer::Bearer,
    error::Error,
    settings::IdentitySettings,
};

/// The caller's address, as the door found it out behind its trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who sends this, as far as it counts for attempts and for the list of sessions.
pub(super) fn client(parts: &Parts, settings: &IdentitySettings) -> Client {
    let headers = &parts.headers;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client {
        address: parts.extensions.get::<ClientAddress>().map(|address| address.0),
        device: named_cookie(headers, settings, cookie::DEVICE),
        label: text(header::USER_AGENT).to_owned(),
        trace: text(header::HeaderName::from_static("traceparent")).get(3..35).unwrap_or_default().to_owned(),
    }
}

/// The token that an app sends to show that it signed in before.
pub(super) fn device(text: Option<&str>) -> Option<Bearer> {
    text.and_then(Bearer::read)
}

/// Refuses what a browser sends for another site: nobody is signed in to an account that is not theirs.
pub(super) fn same_site(headers: &HeaderMap, settings: &IdentitySettings) -> Result<(), Error> {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(Error::CrossSite);
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let expected = settings.public_url.trim_end_matches('/');
    match origin {
        Some(origin) if !expected.is_empty() && origin != expected => Err(Error::CrossSite),
        _ => Ok(()),
    }
}
