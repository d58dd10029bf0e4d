//! Asking the provider: with a deadline, no redirects, and no answer longer than it needs to be.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::OidcError;

const DEADLINE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 * 1024;

/// A client that follows no redirect: where the provider could send it, an attacker could too.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    client: Option<reqwest::Client>,
}

impl Fetch {
    /// TLS is asked of every provider that is not on this machine.
    pub(super) fn new(issuer: &str) -> Self {
        let loopback = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
        let here = loopback
            .iter()
            .any(|host| issuer.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(DEADLINE)
            .connect_timeout(Duration::from_secs(3))
            .https_only(!here)
            .no_proxy()
            .build();
        Self { client: client.ok() }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, OidcError> {
        read(self.client()?.get(url)).await
    }

    /// Posts a form as the client `id`, with its secret where it has one (RFC 6749, 2.3.1).
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        form: &[(&str, &str)],
        (id, secret): (&str, Option<&str>),
        basic: bool,
    ) -> Result<T, OidcError> {
        let mut form = form.to_vec();
        let mut request = self.client()?.post(url);
        match secret {
            Some(secret) if basic => request = request.basic_auth(encoded(id), Some(encoded(secret))),
            Some(secret) => form.extend([("client_id", id), ("client_secret", secret)]),
            None => form.push(("client_id", id)),
        }
        read(request.form(&form)).await
    }

    fn client(&self) -> Result<&reqwest::Client, OidcError> {
        self.client.as_ref().ok_or(OidcError::Settings("this machine has no certificates to check a provider's with"))
    }
}

async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, OidcError> {
    // The error's own text names the address, which is configured, and nothing that was sent.
    let unreachable = |e: reqwest::Error| OidcError::Unreachable(e.without_url().to_string());
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(OidcError::Provider("an answer is longer than 256 KiB"));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_server_error() {
        return Err(OidcError::Unreachable(format!("it answers {}", status.as_u16())));
    }
    if !status.is_success() {
        #[derive(serde::Deserialize)]
        struct Told {
            error: String,
        }
        let told = serde_json::from_slice(&body).map_or(String::new(), |told: Told| told.error);
        return Err(OidcError::Refused(super::error::plain(&told)));
    }
    serde_json::from_slice(&body).map_err(|_| OidcError::Provider("an answer is not the JSON it should be"))
}

/// An address with more of a query.
pub(super) fn with_query(address: &str, query: &[(&str, &str)]) -> Result<String, OidcError> {
    let mut url = reqwest::Url::parse(address).map_err(|_| OidcError::Provider("an endpoint is no address"))?;
    url.query_pairs_mut().extend_pairs(query);
    Ok(url.into())
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// RFC 6749 wants id and secret form-encoded before they become Basic.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            other => out.extend(['%', hex_digit(other >> 4), hex_digit(other & 15)]),
        }
    }
    out
}
