//! Where services are that run elsewhere.

use std::collections::{BTreeMap, btree_map};

use serde::Deserialize;

/// The copies of each service: one `host:port` or several with commas between them. A host name stands for all of its
/// addresses and is looked up again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Targets(BTreeMap<String, Vec<String>>);

/// A target that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream {0} must be `host:port`, or several with commas between them, and not {1:?}")]
pub struct BadUpstream(String, String);

impl Targets {
    pub(super) fn each(&self) -> btree_map::Iter<'_, String, Vec<String>> {
        self.0.iter()
    }

    /// Names of the services that run elsewhere.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl TryFrom<BTreeMap<String, String>> for Targets {
    type Error = BadUpstream;

    fn try_from(all: BTreeMap<String, String>) -> Result<Self, BadUpstream> {
        let read = all.into_iter().map(|(name, text)| {
            let places: Vec<String> = text.split(',').map(|place| place.trim().to_owned()).collect();
            if places.iter().all(|place| is_place(place)) { Ok((name, places)) } else { Err(BadUpstream(name, text)) }
        });
        read.collect::<Result<_, _>>().map(Self)
    }
}

fn is_place(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_host_and_port() {
        let read = |text: &str| Targets::try_from(BTreeMap::from([("residents".to_owned(), text.to_owned())]));
        let one = read("residents.linju.svc:7800");
        assert_eq!(one.map(|t| t.names().map(str::to_owned).collect::<Vec<_>>()), Ok(vec!["residents".to_owned()]));
        assert!(read("127.0.0.2:7800, 127.0.0.3:7800").is_ok());
        for wrong in ["", "residents", "http://residents:7800", "residents:0", ":7800", "a:1,", "a:99999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
