//! What passes the door, and how much of it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer};

use super::network::Network;

/// Limits of the door. Seconds are whole; a limit of 0 calls or bytes means none.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoorSettings {
    /// Networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    #[serde(deserialize_with = "words")]
    pub trusted_proxies: Vec<Network>,
    /// Origins (`https://desk.example.org`) whose pages may call from a browser; the door's own need not be named.
    #[serde(deserialize_with = "words")]
    pub origins: Vec<String>,
    /// Bytes of a request's body, also after it is decompressed.
    pub request_bytes: usize,
    /// Connections at once, and from one address; a trusted proxy is not counted by address.
    pub connections: usize,
    pub connections_per_address: usize,
    /// Requests at once.
    pub requests: usize,
    /// Streams at once on one HTTP/2 connection.
    pub streams: u32,
    /// Until a request's headers must be there, from their first byte on.
    pub head_s: u64,
    /// How long a connection may be open with nothing asked.
    pub idle_s: u64,
    /// How long a body may bring nothing, and the bytes a second it must bring after that time.
    pub body_s: u64,
    pub body_rate: u64,
    /// How long a reader may take nothing of its answer.
    pub stall_s: u64,
    /// Seconds after which a connection is asked to come again, and how long its last requests may then take.
    pub connection_age_s: u64,
    pub connection_grace_s: u64,
    pub rates: RateSettings,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            origins: Vec::new(),
            request_bytes: 1 << 20,
            connections: 4_096,
            connections_per_address: 256,
            requests: 1_024,
            streams: 100,
            head_s: 10,
            idle_s: 75,
            body_s: 10,
            body_rate: 1_024,
            stall_s: 20,
            connection_age_s: 300,
            connection_grace_s: 30,
            rates: RateSettings::default(),
        }
    }
}

impl DoorSettings {
    pub(super) fn head(&self) -> Duration {
        Duration::from_secs(self.head_s)
    }

    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s)
    }

    pub(super) fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_s)
    }
}

/// How often somebody may call.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Whoever is signed in.
    pub caller: Rate,
    /// One address, signed in or not.
    pub address: Rate,
    /// One address that shows no credential.
    pub anonymous: Rate,
    /// One address at `/auth`, where guesses are made.
    pub sign_in: Rate,
    /// Single methods, each caller: `"/linju.residents.v1.ResidentService/SearchResidents" = { calls = 60, seconds = 60 }`.
    pub methods: BTreeMap<String, Rate>,
    /// Bytes of answers with personal fields, each caller, as the services give them: whoever walks the register meets it.
    pub reading: Rate,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            caller: Rate { calls: 1_200, seconds: 60 },
            address: Rate { calls: 6_000, seconds: 60 },
            anonymous: Rate { calls: 300, seconds: 60 },
            sign_in: Rate { calls: 300, seconds: 300 },
            methods: BTreeMap::new(),
            reading: Rate { calls: 2 << 20, seconds: 3_600 },
        }
    }
}

/// So many in so many seconds; all of them may come at once. 0 calls: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub calls: u32,
    pub seconds: u32,
}

/// A list, or one text with commas, as an environment variable holds it.
fn words<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(from: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        Text(String),
        List(Vec<String>),
    }
    let words = match Words::deserialize(from)? {
        Words::Text(text) => text.split(',').map(|word| word.trim().to_owned()).filter(|w| !w.is_empty()).collect(),
        Words::List(words) => words,
    };
    words.iter().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_from_lists_and_from_words() -> Result<(), serde_json::Error> {
        let read = |value| serde_json::from_value::<DoorSettings>(value);
        let list = read(serde_json::json!({ "trusted_proxies": ["10.0.0.0/8", "::1"], "origins": ["https://a"] }))?;
        let text = read(serde_json::json!({ "trusted_proxies": "10.0.0.0/8, ::1", "origins": "https://a" }))?;
        assert_eq!((list.trusted_proxies.len(), &list.origins), (2, &vec!["https://a".to_owned()]));
        assert_eq!((list.trusted_proxies, list.origins), (text.trusted_proxies, text.origins));
        assert!(read(serde_json::json!({ "trusted_proxies": ["10.0.0.0/33"] })).is_err());
        assert!(read(serde_json::json!({ "trusted_proxy": [] })).is_err());
        Ok(())
    }
}
