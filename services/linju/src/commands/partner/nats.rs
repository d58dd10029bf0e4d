//! The part of a NATS server's configuration that lets partners in: an account for the platform, one for each partner.
//!
//! The server itself puts a partner's name into the subject of what it sends, so nobody can speak for another. A partner may
//! ask for the next event of its own consumer, which the platform has made, and for nothing else of JetStream.

use std::fmt::Write;

use linju_incidents::store::alarms::partner;

/// Bytes of one message, as the streams of senders have it too.
const PAYLOAD: u32 = 32 * 1024;
const CONNECTIONS: u32 = 5;
const SUBSCRIPTIONS: u32 = 20;

/// The whole file. `stream` is the stream of events, `platform` the public key of the platform's own user.
pub(super) fn configuration(stream: &str, platform: &str, partners: &[partner::Model]) -> String {
    let mut exports = String::new();
    let mut accounts = String::new();
    for partner in partners {
        let (name, account) = (partner.name.as_str(), account(&partner.name));
        for (subject, response) in exported(stream, name) {
            let _ = writeln!(
                exports,
                "      {{ service: \"{subject}\", accounts: [{account}]{} }}",
                response.map_or(String::new(), |kind| format!(", response_type: {kind}"))
            );
        }
        accounts.push_str(&of_partner(stream, name, &account, &partner.key));
    }
    format!(
        "# Written by `linju partner`: changes are lost. Include it in the server's configuration.\naccounts {{\n  PLATFORM {{\n    \
         jetstream: enabled\n    users: [ {{ nkey: \"{platform}\" }} ]\n    exports: [\n{exports}    ]\n  }}\n{accounts}}}\n"
    )
}

/// `property-a` -> `PARTNER_PROPERTY_A`
fn account(name: &str) -> String {
    format!("PARTNER_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// What the platform offers one partner, with the kind of answer.
fn exported(stream: &str, name: &str) -> Vec<(String, Option<&'static str>)> {
    let mut exported: Vec<_> = ["in", "ask"]
        .iter()
        .flat_map(|door| ["alarm", "heartbeat"].map(|kind| format!("linju.{door}.{name}.{kind}")))
        .map(|subject| (subject, Some("Singleton")))
        .collect();
    exported.push((format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.partner-{name}"), Some("Stream")));
    exported.push((format!("$JS.API.CONSUMER.INFO.{stream}.partner-{name}"), None));
    exported.push((format!("$JS.ACK.{stream}.partner-{name}.>"), None));
    exported
}

fn of_partner(stream: &str, name: &str, account: &str, key: &str) -> String {
    let next = format!("CONSUMER.MSG.NEXT.{stream}.partner-{name}");
    let info = format!("CONSUMER.INFO.{stream}.partner-{name}");
    let ack = format!("$JS.ACK.{stream}.partner-{name}.>");
    let mut imports = String::new();
    for kind in ["alarm", "heartbeat"] {
        let _ = writeln!(
            imports,
            "      {{ service: {{ account: PLATFORM, subject: \"linju.in.{name}.{kind}\" }}, to: \"{kind}\" }}\n      {{ service: {{ \
             account: PLATFORM, subject: \"linju.ask.{name}.{kind}\" }}, to: \"ask.{kind}\" }}"
        );
    }
    format!(
        "  {account} {{\n    limits {{ max_connections: {CONNECTIONS}, max_subscriptions: {SUBSCRIPTIONS}, max_payload: {PAYLOAD} \
         }}\n    users: [ {{ nkey: \"{key}\", permissions: {{\n        publish: {{ allow: [\"alarm\", \"heartbeat\", \"ask.alarm\", \
         \"ask.heartbeat\",\n          \"LINJU.API.{next}\", \"LINJU.API.{info}\", \"{ack}\"] }}\n        subscribe: {{ allow: \
         [\"_INBOX_{name}.>\"] }} }} }} ]\n    imports: [\n{imports}      {{ service: {{ account: PLATFORM, subject: \
         \"$JS.API.{next}\" }}, to: \"LINJU.API.{next}\" }}\n      {{ service: {{ account: PLATFORM, subject: \"$JS.API.{info}\" }}, \
         to: \"LINJU.API.{info}\" }}\n      {{ service: {{ account: PLATFORM, subject: \"{ack}\" }} }}\n    ]\n  }}\n"
    )
}
