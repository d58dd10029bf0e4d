//! Which servers are good enough.

use async_nats::ServerInfo;

use crate::events::BusError;

/// The first 2.12 release without the losses of acknowledged messages found in earlier ones. Atomic batches need 2.12.
const FLOOR: Version = Version { number: (2, 12, 12), released: true };

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    number: (u64, u64, u64),
    /// A preview (`2.12.12-RC.1`) comes before the release of its number.
    released: bool,
}

/// Refuses a server that would lose or misdeliver events, and says what to do.
pub(super) fn check(info: &ServerInfo) -> Result<(), BusError> {
    let ServerInfo { version, jetstream, headers, .. } = info;
    match parse(version) {
        Some(parsed) if parsed >= FLOOR => {}
        _ => {
            return Err(BusError::Refused(format!(
                "the NATS server is version `{version}`; Linju needs 2.12.12 or newer: older ones ignore settings it relies \
                 on or lose acknowledged messages. Update the server (2.14.3 or newer is recommended); \
                 Debian's own package is too old"
            )));
        }
    }
    if !jetstream {
        return Err(BusError::Refused(
            "the NATS server runs without JetStream: add `jetstream { store_dir: \"/var/lib/nats\", sync_interval: always }` \
             to its configuration, or start it with `-js`"
                .into(),
        ));
    }
    if !headers {
        return Err(BusError::Refused(
            "the NATS server has headers switched off: take `no_header_support` out of its configuration".into(),
        ));
    }
    Ok(())
}

fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (number, released) = match text.split_once('-') {
        Some((number, _)) => (number, false),
        None => (text.split_once('+').map_or(text, |(number, _)| number), true),
    };
    let mut parts = number.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    let number = (next()?, next()?, next()?);
    parts.next().is_none().then_some(Version { number, released })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(version: &str) -> ServerInfo {
        ServerInfo { version: version.into(), jetstream: true, headers: true, ..ServerInfo::default() }
    }

    #[test]
    fn versions() {
        for good in
            ["2.12.12", "2.12.13", "2.14.0", "2.15.1", "3.0.0", "v2.12.12", "2.12.12+build", "2.14.0-RC.1", "10.0.0"]
        {
            assert!(check(&server(good)).is_ok(), "{good}");
        }
        for bad in
            ["2.9.10", "2.12.11", "2.12.9", "2.11.99", "1.99.99", "2.12.12-RC.1", "2.12", "", "x.y.z", "2.12.12.1"]
        {
            let error = check(&server(bad)).map_err(|e| e.to_string());
            assert!(error.is_err_and(|e| e.contains(&format!("`{bad}`")) && e.contains("2.12.12 or newer")), "{bad}");
        }
    }

    #[test]
    fn what_a_server_must_have() {
        let without = ServerInfo { jetstream: false, ..server("2.15.1") };
        assert!(check(&without).is_err_and(|e| e.to_string().contains("store_dir")));
        let without = ServerInfo { headers: false, ..server("2.15.1") };
        assert!(check(&without).is_err_and(|e| e.to_string().contains("no_header_support")));
    }
}
