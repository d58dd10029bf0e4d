//! Checking ID tokens and logout tokens.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use serde_json::Value;

use super::error::OidcError;

/// How far the provider's clock may be off.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// Only signatures with a key pair: with a shared secret, whoever checks a token could also make one.
const TAKEN: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const LOGOUT_TYPE: &str = "logout+jwt";
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Who should have made a token, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client: &'e str,
    pub(super) now: DateTime<Utc>,
}

/// The claims of a token that the provider made for us and that is valid now (OpenID Connect Core 1.0, 3.1.3.7).
pub(super) fn verify(token: &str, key: &Jwk, expected: Expected<'_>) -> Result<Value, OidcError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| OidcError::Token("it is no signed token"))?;
    if !TAKEN.contains(&header.alg) {
        return Err(OidcError::Token("it is signed in a way that is not taken"));
    }
    let mut rules = Validation::new(header.alg);
    // Times are checked by our own clock; the library would read the machine's.
    rules.validate_exp = false;
    rules.set_required_spec_claims(&["iss", "aud"]);
    rules.set_issuer(&[expected.issuer]);
    rules.set_audience(&[expected.client]);
    let key = DecodingKey::try_from(key).map_err(|_| OidcError::Provider("one of its keys cannot be read"))?;
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules);
    let claims = claims.map_err(|_| OidcError::Token("its signature, issuer or audience is wrong"))?.claims;
    check_times(&claims, expected.now)?;
    check_party(&claims, expected.client)?;
    Ok(claims)
}

fn check_times(claims: &Value, now: DateTime<Utc>) -> Result<(), OidcError> {
    let seconds = |name| claims.get(name).and_then(Value::as_i64);
    let now = now.timestamp();
    let issued = seconds("iat").ok_or(OidcError::Token("it says not when it was made"))?;
    if issued > now.saturating_add(LEEWAY.num_seconds()) {
        return Err(OidcError::Token("it was made in the future: check the clocks"));
    }
    // A logout token need not end; it counts for two minutes.
    let end = seconds("exp").unwrap_or(issued.saturating_add(120));
    if end <= now.saturating_sub(LEEWAY.num_seconds()) {
        return Err(OidcError::Token("it has expired"));
    }
    Ok(())
}

/// A token for several clients names the one that asked for it.
fn check_party(claims: &Value, client: &str) -> Result<(), OidcError> {
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    match claims.get("azp") {
        Some(party) if party != client => Err(OidcError::Token("it was made for another client")),
        None if several => Err(OidcError::Token("it was made for several clients and names none")),
        _ => Ok(()),
    }
}

/// The token answers this very request.
pub(super) fn check_nonce(claims: &Value, nonce: &str) -> Result<(), OidcError> {
    if claims.get("exp").is_none() {
        return Err(OidcError::Token("it never expires"));
    }
    let given = text(claims, "nonce").unwrap_or_default();
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), nonce.as_bytes()).is_ok();
    if same { Ok(()) } else { Err(OidcError::Token("it answers another request")) }
}

/// The claims of a token that ends sessions. Its type says so, so that no other token of the provider passes for one
/// (Back-Channel Logout 1.0, 2.4).
pub(super) fn verify_logout(token: &str, key: &Jwk, expected: Expected<'_>) -> Result<Value, OidcError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| OidcError::Token("it is no signed token"))?;
    let kind = header.typ.unwrap_or_default().to_ascii_lowercase();
    // A media type may leave out what stands before the slash (RFC 7515, 4.1.9).
    if kind.strip_prefix("application/").unwrap_or(&kind) != LOGOUT_TYPE {
        return Err(OidcError::Token("its type is not logout+jwt"));
    }
    let claims = verify(token, key, expected)?;
    check_logout(&claims)?;
    Ok(claims)
}

/// The token ends sessions and is none that signs in (Back-Channel Logout 1.0, 2.6).
fn check_logout(claims: &Value) -> Result<(), OidcError> {
    let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT)).is_some_and(Value::is_object);
    if event && claims.get("nonce").is_none() { Ok(()) } else { Err(OidcError::Token("it is no logout token")) }
}

pub(super) fn text(claims: &Value, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn signed(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()));
        format!("{text}.{signature}")
    }

    #[test]
    fn a_logout_token_says_that_it_is_one() -> anyhow::Result<()> {
        let key = Ed25519KeyPair::generate()?;
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        let public: Jwk = serde_json::from_value(json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))?;
        let issuer = "https://id.example.org";
        let expected = Expected { issuer, client: "linju", now: DateTime::UNIX_EPOCH };
        let claims = json!({ "iss": issuer, "aud": "linju", "sub": "1", "iat": 0, "events": { LOGOUT_EVENT: {} } });
        for (typ, taken) in [
            (json!("logout+jwt"), true),
            (json!("application/Logout+JWT"), true),
            (json!("JWT"), false),
            (json!("at+jwt"), false),
            (Value::Null, false),
        ] {
            let token = signed(&key, &json!({ "alg": "EdDSA", "typ": typ }), &claims);
            assert_eq!(verify_logout(&token, &public, expected).is_ok(), taken, "{typ}");
        }
        let signs_in = json!({ "iss": issuer, "aud": "linju", "sub": "1", "iat": 0, "nonce": "n" });
        let token = signed(&key, &json!({ "alg": "EdDSA", "typ": "logout+jwt" }), &signs_in);
        assert!(verify_logout(&token, &public, expected).is_err(), "no event");
        Ok(())
    }
}
