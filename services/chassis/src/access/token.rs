//! The token by which the edge tells services who calls: a JWT signed with Ed25519, checked by every service itself.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use linju_proto::common::v1::{Cover, Role};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    seen::{Fingerprint, Known, Seen, Times},
    signing::{PublicKeys, SigningKey},
};
use crate::data::{AreaCode, Clock, SelfTestFailed};

const ISSUER: &str = "linju";
const AUDIENCE: &str = "linju-services";
const TYPE: &str = "linju+jwt";
const USE: &str = "access";
const ALGORITHM: &str = "EdDSA";
const MOST_BYTES: usize = 8 * 1024;
/// How far the clocks of two machines may be apart, in seconds.
const LEEWAY: i64 = 30;

/// Who calls, and what they were granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub subject: String,
    /// For whom, where that is somebody else.
    pub on_behalf: Option<String>,
    pub grants: Vec<Grant>,
}

impl Principal {
    /// Somebody who is not signed in.
    pub fn nobody() -> Self {
        Self { subject: String::new(), on_behalf: None, grants: Vec::new() }
    }
}

/// A role, and where it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// None: everywhere. An empty list: nowhere.
    pub areas: Option<Vec<AreaCode>>,
    /// The unit the person works for, where the role has one.
    pub unit: Option<String>,
    /// The centre or room the person works at, where the role has one.
    pub place: Option<Uuid>,
    /// Records of the register that are the holder's own, or by mandate count as such for this call.
    pub persons: Vec<Uuid>,
    /// What a mandate covers; the grant then counts only for methods that say so. None: it is no mandate.
    pub covers: Option<Vec<Cover>>,
}

impl Grant {
    /// A role within areas, and nothing more special than that.
    pub fn new(role: Role, areas: Option<Vec<AreaCode>>) -> Self {
        Self { role, areas, unit: None, place: None, persons: Vec::new(), covers: None }
    }
}

/// Why a token is not taken. No text holds any part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is longer than 8 KiB")]
    TooLong,
    #[error("this is not a token: send header, claims and signature as `a.b.c`")]
    Malformed,
    #[error("the token's header must be exactly alg EdDSA, typ linju+jwt and kid")]
    Header,
    #[error("the token was signed with a key that is not known here: sign in again")]
    UnknownKey,
    #[error("the token's signature is wrong: sign in again")]
    Signature,
    #[error("the token was made by somebody else, or for somebody else, or for another use")]
    NotForUs,
    #[error("the token has expired: get a new one")]
    Expired,
    #[error("the token is not valid yet: check the clocks of both machines")]
    NotYet,
    #[error("the token is valid for longer than this installation allows: make one that is valid for a shorter time")]
    LivesTooLong,
    #[error("the token's claims are not what a token of Linju says: sign in again")]
    Claims,
    #[error("the token cannot be signed")]
    CannotSign,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(rename = "use")]
    usage: String,
    sub: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    grants: Vec<GrantClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_behalf: Option<String>,
}

/// A member that is not known may be a limit, so it is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantClaim {
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    areas: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    persons: Vec<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covers: Option<Vec<String>>,
}

impl GrantClaim {
    fn of(grant: &Grant) -> Self {
        Self {
            role: role_code(grant.role),
            areas: grant.areas.as_ref().map(|areas| areas.iter().map(AreaCode::to_string).collect()),
            unit: grant.unit.clone(),
            place: grant.place,
            persons: grant.persons.clone(),
            covers: grant.covers.as_ref().map(|covers| covers.iter().map(|cover| cover_code(*cover)).collect()),
        }
    }

    fn read(self) -> Option<Grant> {
        let Self { role, areas, unit, place, persons, covers } = self;
        let areas = all_of(areas, |area| area.parse().ok())?;
        let covers = all_of(covers, cover_of)?;
        Some(Grant { role: role_of(&role)?, areas, unit, place, persons, covers })
    }
}

/// Reads a list that may be missing; none where one of its texts cannot be read.
#[expect(clippy::option_option, reason = "the outer says whether it could be read, the inner whether it is there")]
fn all_of<T>(texts: Option<Vec<String>>, read: impl Fn(&str) -> Option<T>) -> Option<Option<Vec<T>>> {
    texts.map_or(Some(None), |texts| texts.iter().map(|text| read(text)).collect::<Option<Vec<_>>>().map(Some))
}

/// `COVER_SEE` -> `see`
pub fn cover_code(cover: Cover) -> String {
    cover.as_str_name().trim_start_matches("COVER_").to_ascii_lowercase()
}

/// `see` -> `COVER_SEE`; none for what is no cover.
pub fn cover_of(code: &str) -> Option<Cover> {
    if code.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Cover::from_str_name(&format!("COVER_{}", code.to_ascii_uppercase())).filter(|cover| *cover != Cover::Unspecified)
}

/// `ROLE_GRID_WORKER` -> `grid_worker`
pub fn role_code(role: Role) -> String {
    role.as_str_name().trim_start_matches("ROLE_").to_ascii_lowercase()
}

/// `grid_worker` -> `ROLE_GRID_WORKER`; none for what is no role.
pub fn role_of(code: &str) -> Option<Role> {
    if code.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Role::from_str_name(&format!("ROLE_{}", code.to_ascii_uppercase())).filter(|role| *role != Role::Unspecified)
}

/// Signs tokens: the edge, and `linju keys token`.
#[derive(Debug)]
pub struct TokenSigner {
    key: EncodingKey,
    id: String,
    clock: Clock,
}

impl TokenSigner {
    /// How long a token is valid if nothing else is asked for.
    pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

    pub fn new(key: &SigningKey, clock: Clock) -> Self {
        Self { key: EncodingKey::from_ed_der(key.pkcs8()), id: key.id().to_owned(), clock }
    }

    /// A token that is valid from now for `lifetime`, cut to seconds.
    pub fn sign(&self, principal: &Principal, lifetime: TimeDelta) -> Result<String, TokenError> {
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            usage: USE.to_owned(),
            sub: principal.subject.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(lifetime.num_seconds()),
            grants: principal.grants.iter().map(GrantClaim::of).collect(),
            on_behalf: principal.on_behalf.clone(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.id.clone());
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| TokenError::CannotSign)?;
        if token.len() > MOST_BYTES { Err(TokenError::TooLong) } else { Ok(token) }
    }
}

/// Checks tokens. It trusts the keys it was given, and never one that a token names or brings.
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    keys: PublicKeys,
    clock: Clock,
    longest: TimeDelta,
    seen: Seen,
}

impl TokenVerifier {
    pub fn new(keys: PublicKeys, clock: Clock) -> Self {
        Self { keys, clock, longest: TokenSigner::LIFETIME, seen: Seen::default() }
    }

    /// Also takes tokens that are valid for longer than [`TokenSigner::LIFETIME`], up to `longest`.
    #[must_use]
    pub fn with_longest(mut self, longest: TimeDelta) -> Self {
        self.longest = longest;
        self
    }

    /// Who the token says calls, if everything about it is right.
    pub fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        if token.len() > MOST_BYTES {
            return Err(TokenError::TooLong);
        }
        let fingerprint = Fingerprint::of(token);
        if let Some(known) = fingerprint.and_then(|token| self.seen.get(token)) {
            self.check_times(known.times)?;
            return Ok(known.principal);
        }
        let known = self.read(token)?;
        self.check_times(known.times)?;
        if let Some(token) = fingerprint {
            self.seen.keep(token, known.clone());
        }
        Ok(known.principal)
    }

    /// What the token says, if everything about it but its times is right.
    fn read(&self, token: &str) -> Result<Known, TokenError> {
        let key = self.keys.get(&read_header(token)?).ok_or(TokenError::UnknownKey)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        // Times are checked by our own clock; the library would read the machine's.
        rules.validate_exp = false;
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_ed_der(key), &rules)
            .map_err(|e| refusal(e.kind()))?
            .claims;
        if claims.usage != USE {
            return Err(TokenError::NotForUs);
        }
        if claims.sub.is_empty() || claims.on_behalf.as_deref() == Some("") {
            return Err(TokenError::Claims);
        }
        let Claims { iss: _, aud: _, usage: _, sub, iat, nbf, exp, grants, on_behalf } = claims;
        let grants = grants.into_iter().map(GrantClaim::read).collect::<Option<Vec<_>>>();
        let principal = Principal { subject: sub, on_behalf, grants: grants.ok_or(TokenError::Claims)? };
        Ok(Known { times: Times { nbf, iat, exp }, principal })
    }

    fn check_times(&self, Times { nbf, iat, exp }: Times) -> Result<(), TokenError> {
        let now = self.clock.now().timestamp();
        if exp <= now.saturating_sub(LEEWAY) {
            return Err(TokenError::Expired);
        }
        let latest_start = now.saturating_add(LEEWAY);
        if nbf > latest_start || iat > latest_start {
            return Err(TokenError::NotYet);
        }
        if exp.saturating_sub(iat.min(nbf)) > self.longest.num_seconds() {
            return Err(TokenError::LivesTooLong);
        }
        Ok(())
    }
}

/// The only members a header may have. `jku`, `x5u`, `jwk`, `crit` and all others are refused before a key is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Answers the key id.
fn read_header(token: &str) -> Result<String, TokenError> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    let header: StrictHeader = serde_json::from_slice(&json).map_err(|_| TokenError::Header)?;
    if header.alg != ALGORITHM || header.typ != TYPE {
        return Err(TokenError::Header);
    }
    Ok(header.kid)
}

fn refusal(kind: &jsonwebtoken::errors::ErrorKind) -> TokenError {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature | ErrorKind::Base64(_) => TokenError::Signature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::NotForUs,
        _ => TokenError::Claims,
    }
}

/// Signs and verifies a token with a key of its own, so that a wrong build (two providers of cryptography, or none) shows
/// at the start and not at the first call.
pub fn self_test() -> Result<(), SelfTestFailed> {
    const FAILED: SelfTestFailed = SelfTestFailed("Ed25519 tokens");
    // It answers an error where a provider is installed already, which is as good.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let key = SigningKey::ephemeral().ok_or(FAILED)?;
    let clock = Clock::system();
    let somebody = Principal { subject: "self-test".to_owned(), ..Principal::nobody() };
    let token = TokenSigner::new(&key, clock.clone()).sign(&somebody, TimeDelta::minutes(1)).map_err(|_| FAILED)?;
    let verifier = TokenVerifier::new(key.public(), clock);
    let (content, _) = token.rsplit_once('.').ok_or(FAILED)?;
    let forged = format!("{content}.{}", "A".repeat(86));
    let holds = verifier.verify(&token) == Ok(somebody) && verifier.verify(&forged) == Err(TokenError::Signature);
    if holds { Ok(()) } else { Err(FAILED) }
}
