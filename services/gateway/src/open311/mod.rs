//! Open311 `GeoReport` v2, whole, as frozen in 2012: discovery, services, requests and tokens, in XML and JSON, with the
//! paging extension (`page`, `page_size`) and mySociety's updates (`servicerequestupdates`).
//!
//! Services are the categories that may be shown to the public, questions are attributes, our promise is
//! `expected_datetime`. Every service is realtime: a report gets its id at once, and no token. An `api_key` is a personal
//! access token of an account; it may report where the account may.

mod asked;
mod discovery;
mod document;
mod line;
mod params;
mod problem;
mod requests;
mod services;
mod settings;
mod times;
mod updates;

use axum::body::Body;
use chassis::data::{Clock, Ids};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use uuid::Uuid;

pub(crate) use asked::{Asked, is_open311};
pub use settings::{Language, Open311Settings};

use asked::{ENDPOINT, What};
use document::Document;
use line::Client;
use problem::Problem;

use crate::{door::Outside, transcode::Calls};

/// Names one report of a sender's, so that it is taken once however often it is sent.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers what comes for Open311.
#[derive(Clone, Debug)]
pub(crate) struct Open311 {
    settings: Open311Settings,
    /// Where browsers find the door; empty: as the request says.
    public_url: String,
    ids: Ids,
    clock: Clock,
}

impl Open311 {
    pub(crate) fn new(settings: Open311Settings, public_url: String, ids: Ids, clock: Clock) -> Self {
        Self { settings, public_url, ids, clock }
    }

    /// Reads a request whose body has come whole, and moves its key to where every credential stands. The answer says what
    /// is wrong with it.
    pub(crate) fn read(&self, parts: &mut Parts, body: &[u8]) -> Result<Asked, Box<Response<Body>>> {
        let asked = Asked::read(parts, body, self.base(parts));
        let format = asked::format_of(parts.uri.path());
        let asked = asked.map_err(|problem| Box::new(problem.response(format)))?;
        // A page of another site can make a browser send a form with its cookie; a key it cannot.
        parts.headers.remove(header::COOKIE);
        let key = asked.key().map_err(|problem| Box::new(problem.response(format)))?;
        if let Some(key) = key {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| Box::new(refused(&asked)))?;
            value.set_sensitive(true);
            parts.headers.insert(header::AUTHORIZATION, value);
        } else if asked.needs_key() && !parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(Box::new(refused(&asked)));
        }
        Ok(asked)
    }

    fn base(&self, parts: &Parts) -> String {
        if !self.public_url.is_empty() {
            return format!("{}{ENDPOINT}", self.public_url.trim_end_matches('/'));
        }
        let https = parts.extensions.get::<Outside>().is_some_and(|outside| outside.https);
        let scheme = if https { "https" } else { "http" };
        let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
        format!("{scheme}://{host}{ENDPOINT}")
    }

    /// Answers it, by calls as whoever `headers` name.
    pub(crate) async fn answer<C>(&self, asked: Asked, headers: &HeaderMap, calls: C) -> Response<Body>
    where
        C: Calls + Clone + 'static,
    {
        let client = Client::new(calls, headers);
        match self.try_answer(&asked, headers, &client).await {
            Ok(document) => {
                let mut response = problem::respond(StatusCode::OK, &document, asked.format);
                if matches!(asked.what, What::Discovery | What::Services | What::Service(_)) {
                    let fresh = HeaderValue::from_static("public, max-age=60");
                    response.headers_mut().insert(header::CACHE_CONTROL, fresh);
                }
                response
            }
            Err(problem) => problem.response(asked.format),
        }
    }

    async fn try_answer(&self, asked: &Asked, headers: &HeaderMap, client: &Client) -> Result<Document, Problem> {
        let (params, settings) = (&asked.params, &self.settings);
        self.check_jurisdiction(asked)?;
        match &asked.what {
            What::Discovery => Ok(discovery::document(settings, &asked.base)),
            What::Services => Ok(services::services(client.categories().await?, settings.language)),
            What::Service(code) => Ok(services::definition(client.category(code.clone()).await?, settings.language)),
            What::Requests => {
                let (request, size) = requests::wanted(params, self.clock.now())?;
                let found = requests::list(client, request, size).await?;
                Ok(requests::document(found, settings, requests::extended(params)?))
            }
            What::Request(number) => {
                let with_entries = requests::extended(params)?;
                let request = linju_proto::incidents::v1::ListPublishedIncidentsRequest {
                    numbers: vec![number.clone()],
                    with_entries,
                    ..Default::default()
                };
                let found = requests::list(client, request, 1).await?;
                if found.is_empty() {
                    return Err(Problem::not_found("service_request_id was not found"));
                }
                Ok(requests::document(found, settings, with_entries))
            }
            What::Submit => {
                let submission = requests::submission(params, self.request_id(headers)?)?;
                Ok(requests::submitted(client.submit(submission).await?))
            }
            What::Token => Err(Problem::not_found("token was not found: every report here gets its id at once")),
            What::Updates => {
                let (request, size) = updates::wanted(params, self.clock.now())?;
                Ok(updates::document(updates::list(client, request, size).await?))
            }
            What::AddUpdate => Ok(updates::added(client.add(updates::addition(params)?).await?)),
        }
    }

    fn check_jurisdiction(&self, asked: &Asked) -> Result<(), Problem> {
        let known = self.settings.jurisdiction.as_str();
        match asked.params.one("jurisdiction_id")? {
            Some(asked) if !known.is_empty() && asked != known => {
                Err(Problem::not_found(format!("jurisdiction_id was not found: this is {known}")))
            }
            _ => Ok(()),
        }
    }

    fn request_id(&self, headers: &HeaderMap) -> Result<Uuid, Problem> {
        let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(self.ids.next()) };
        let key = key.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
        key.ok_or_else(|| Problem::bad("Idempotency-Key must be a UUID"))
    }
}

/// The key does not hold.
pub(crate) fn refused(asked: &Asked) -> Response<Body> {
    Problem::key().response(asked.format)
}

/// An answer of the door, which goes no further than that, as Open311 tells it.
pub(crate) fn stopped(path: &str, response: Response<Body>, reason: &str) -> Response<Body> {
    let (parts, _) = response.into_parts();
    let mut told = problem::told(parts.status, reason, asked::format_of(path));
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE {
            told.headers_mut().insert(name, value.clone());
        }
    }
    told
}
