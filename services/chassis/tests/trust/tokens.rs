use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::{
    access::{
        self, Grant, Principal, PublicKeys, SigningKey, TokenError, TokenSigner, TokenVerifier, role_code, role_of,
    },
    data::{Clock, KeyFileError},
};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use linju_proto::common::v1::{Cover, Role};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::morning;

struct Edge {
    folder: tempfile::TempDir,
    key: SigningKey,
    clock: Clock,
}

impl Edge {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = SigningKey::new_to_file(&folder.path().join("token.pem"))?;
        Ok(Self { folder, key, clock: Clock::fixed(morning()) })
    }

    fn signer(&self) -> TokenSigner {
        TokenSigner::new(&self.key, self.clock.clone())
    }

    fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(self.key.public(), self.clock.clone())
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "linju+jwt", "kid": self.key.id() })
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().timestamp();
        json!({
            "iss": "linju", "aud": "linju-services", "use": "access", "sub": "w1",
            "iat": now, "nbf": now, "exp": now + 900, "grants": [{ "role": "grid_worker", "areas": ["511903001008"] }],
        })
    }

    /// Any header and claims with a right signature.
    fn signed(&self, header: &Value, claims: &Value) -> Result<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let content = format!("{}.{}", part(header), part(claims));
        let pem = fs::read(self.folder.path().join("token.pem"))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem)?;
        let key = EncodingKey::from_ed_der(der.secret_pkcs8_der());
        let signature = jsonwebtoken::crypto::sign(content.as_bytes(), &key, Algorithm::EdDSA)?;
        Ok(format!("{content}.{signature}"))
    }

    fn refuses(&self, token: &str) -> TokenError {
        self.verifier().verify(token).expect_err("refused")
    }
}

fn worker() -> Result<Principal> {
    Ok(Principal {
        subject: "w1".to_owned(),
        on_behalf: Some("m1".to_owned()),
        grants: vec![
            Grant::new(Role::GridWorker, Some(vec!["511903001008".parse()?])),
            Grant {
                persons: vec![Uuid::from_u128(7)],
                place: Some(Uuid::from_u128(8)),
                covers: Some(vec![Cover::See, Cover::Report]),
                ..Grant::new(Role::Resident, Some(vec!["511903001008".parse()?]))
            },
            Grant { unit: Some("sanitation".to_owned()), ..Grant::new(Role::Handler, Some(Vec::new())) },
            Grant::new(Role::Auditor, None),
        ],
    })
}

#[test]
fn a_token_says_what_was_signed() -> Result<()> {
    access::self_test()?;
    let edge = Edge::new()?;
    let token = edge.signer().sign(&worker()?, TokenSigner::LIFETIME)?;
    assert_eq!(edge.verifier().verify(&token)?, worker()?);
    let by_hand = edge.signed(&edge.header(), &edge.claims())?;
    assert_eq!(edge.verifier().verify(&by_hand)?.grants.len(), 1);
    Ok(())
}

#[test]
fn every_role_has_a_code() {
    for number in 1..=15 {
        let role = Role::try_from(number).expect("a role");
        assert_eq!(role_of(&role_code(role)), Some(role));
    }
    assert_eq!(role_code(Role::GridWorker), "grid_worker");
    for wrong in ["", "unspecified", "GRID_WORKER", "Grid_Worker", "root", "role_operator"] {
        assert_eq!(role_of(wrong), None, "{wrong}");
    }
}

#[test]
fn a_token_is_valid_in_its_time_only() -> Result<()> {
    let edge = Edge::new()?;
    let token = edge.signer().sign(&worker()?, TimeDelta::minutes(15))?;
    edge.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(29));
    edge.verifier().verify(&token)?;
    edge.clock.advance(TimeDelta::seconds(1));
    assert_eq!(edge.refuses(&token), TokenError::Expired);
    edge.clock.advance(-TimeDelta::seconds(16 * 60 + 1));
    assert_eq!(edge.refuses(&token), TokenError::NotYet);
    edge.clock.advance(TimeDelta::seconds(1));
    edge.verifier().verify(&token)?;

    let long = edge.signer().sign(&worker()?, TimeDelta::hours(8))?;
    assert_eq!(edge.refuses(&long), TokenError::LivesTooLong);
    edge.verifier().with_longest(TimeDelta::hours(8)).verify(&long)?;
    Ok(())
}

#[test]
fn a_token_that_was_taken_before_still_ends_in_time() -> Result<()> {
    let edge = Edge::new()?;
    let verifier = edge.verifier();
    let token = edge.signer().sign(&worker()?, TimeDelta::minutes(15))?;
    assert_eq!(verifier.verify(&token)?, verifier.verify(&token)?);
    assert_eq!(verifier.clone().with_longest(TimeDelta::minutes(5)).verify(&token), Err(TokenError::LivesTooLong));
    edge.clock.advance(TimeDelta::minutes(16));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
    Ok(())
}

#[test]
fn claims_that_are_not_for_us_are_refused() -> Result<()> {
    let edge = Edge::new()?;
    let now = morning().timestamp();
    let cases = [
        ("iss", json!("somebody"), TokenError::NotForUs),
        ("aud", json!("another-product"), TokenError::NotForUs),
        ("use", json!("refresh"), TokenError::NotForUs),
        ("use", Value::Null, TokenError::Claims),
        ("iss", Value::Null, TokenError::Claims),
        ("aud", Value::Null, TokenError::Claims),
        ("sub", json!(""), TokenError::Claims),
        ("sub", Value::Null, TokenError::Claims),
        ("on_behalf", json!(""), TokenError::Claims),
        ("exp", json!(now - 30), TokenError::Expired),
        ("exp", json!(i64::MAX), TokenError::LivesTooLong),
        ("exp", json!("tomorrow"), TokenError::Claims),
        ("exp", Value::Null, TokenError::Claims),
        ("nbf", json!(now + 31), TokenError::NotYet),
        ("nbf", Value::Null, TokenError::Claims),
        ("iat", json!(now + 31), TokenError::NotYet),
        ("iat", json!(i64::MIN), TokenError::LivesTooLong),
        ("grants", json!([{ "role": "emperor" }]), TokenError::Claims),
        ("grants", json!([{ "role": "unspecified" }]), TokenError::Claims),
        ("grants", json!([{ "role": "auditor", "areas": ["51190"] }]), TokenError::Claims),
        ("grants", json!([{ "role": "auditor", "area": "511903001008" }]), TokenError::Claims),
        ("grants", json!("auditor"), TokenError::Claims),
        ("grants", Value::Null, TokenError::Claims),
    ];
    for (claim, value, expected) in cases {
        let mut claims = edge.claims();
        let map = claims.as_object_mut().expect("an object");
        if value.is_null() {
            map.remove(claim);
        } else {
            map.insert(claim.to_owned(), value.clone());
        }
        assert_eq!(edge.refuses(&edge.signed(&edge.header(), &claims)?), expected, "{claim} = {value}");
    }
    Ok(())
}

#[test]
fn only_our_header_is_read() -> Result<()> {
    let edge = Edge::new()?;
    let with = |name: &str, value: Value| {
        let mut header = edge.header();
        header[name] = value;
        edge.signed(&header, &edge.claims())
    };
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" });
    let cases = [
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/cert")),
        ("jwk", jwk),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("cty", json!("JWT")),
        ("kid", Value::Null),
    ];
    for (name, value) in cases {
        assert_eq!(edge.refuses(&with(name, value.clone())?), TokenError::Header, "{name} = {value}");
    }
    assert_eq!(edge.refuses(&with("kid", json!("../../etc/passwd"))?), TokenError::UnknownKey);
    Ok(())
}

/// The public key is known to all: as a shared secret it must prove nothing.
#[test]
fn another_algorithm_proves_nothing() -> Result<()> {
    let edge = Edge::new()?;
    for secret in [edge.key.public_pem().into_bytes(), Vec::new()] {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("linju+jwt".to_owned());
        header.kid = Some(edge.key.id().to_owned());
        let token = jsonwebtoken::encode(&header, &edge.claims(), &EncodingKey::from_secret(&secret))?;
        assert_eq!(edge.refuses(&token), TokenError::Header);
        // The same under our own header.
        let rest = token.split_once('.').map_or("", |(_, rest)| rest);
        let ours = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(edge.header().to_string()));
        assert_eq!(edge.refuses(&ours), TokenError::Signature);
    }
    Ok(())
}

#[test]
fn a_changed_token_is_refused() -> Result<()> {
    let edge = Edge::new()?;
    let token = edge.signed(&edge.header(), &edge.claims())?;
    let parts: Vec<&str> = token.split('.').collect();
    let other_claims = {
        let mut claims = edge.claims();
        claims["sub"] = json!("w2");
        URL_SAFE_NO_PAD.encode(claims.to_string())
    };
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    for forged in [format!("{}.{other_claims}.{}", parts[0], parts[2]), unsigned] {
        assert_eq!(edge.refuses(&forged), TokenError::Signature);
    }
    for no_token in ["", ".", "..", "a.b", "a.b.c.d", "\u{0}.\u{0}.\u{0}", &token[parts[0].len()..]] {
        assert!(matches!(edge.refuses(no_token), TokenError::Malformed | TokenError::Header), "{no_token:?}");
    }
    let mut huge = edge.claims();
    huge["padding"] = json!("x".repeat(8 * 1024));
    assert_eq!(edge.refuses(&edge.signed(&edge.header(), &huge)?), TokenError::TooLong);
    let mut grants = worker()?;
    grants.grants = vec![grants.grants[0].clone(); 1_000];
    assert_eq!(edge.signer().sign(&grants, TokenSigner::LIFETIME), Err(TokenError::TooLong));
    Ok(())
}

#[test]
fn keys_change_hands_through_files() -> Result<()> {
    let (old, new) = (Edge::new()?, Edge::new()?);
    let token = new.signer().sign(&worker()?, TokenSigner::LIFETIME)?;
    assert_eq!(old.refuses(&token), TokenError::UnknownKey);

    let path = old.folder.path().join("public.pem");
    fs::write(&path, old.key.public_pem() + &new.key.public_pem())?;
    let both = PublicKeys::from_file(&path)?;
    assert_eq!(both, old.key.public().and(new.key.public()));
    let verifier = TokenVerifier::new(both, new.clock.clone());
    assert_eq!(verifier.verify(&token)?, worker()?);
    assert_eq!(verifier.verify(&old.signer().sign(&worker()?, TokenSigner::LIFETIME)?)?, worker()?);
    Ok(())
}

#[test]
fn key_files_that_will_not_do_are_refused() -> Result<()> {
    let edge = Edge::new()?;
    let path = edge.folder.path().join("token.pem");
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(SigningKey::from_file(&path)?.id(), edge.key.id());
    assert!(matches!(SigningKey::new_to_file(&path), Err(KeyFileError::Exists(_))));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    assert!(matches!(SigningKey::from_file(&path), Err(KeyFileError::Open(_))));
    let public = edge.folder.path().join("public.pem");
    let refused = |path: &Path| matches!(PublicKeys::from_file(path), Err(KeyFileError::Content { .. }));
    let private = fs::read_to_string(&path)?;
    for wrong in [private.as_str(), "", "no key", &edge.key.public_pem().replace("MCow", "MCox")] {
        fs::write(&public, wrong)?;
        assert!(refused(&public), "{wrong}");
    }
    assert!(matches!(PublicKeys::from_file(&edge.folder.path().join("none")), Err(KeyFileError::Missing(_))));
    Ok(())
}
