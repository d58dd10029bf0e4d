//! Partners of an office, let in as `linju partner` does it, each with an account of its own on the NATS server.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use async_nats::{Client, ConnectOptions, jetstream};
use chassis::data::Clock;
use serde_json::json;

use crate::{
    ground::{Ground, Install},
    wire::new_id,
};

/// Property companies, each with one community of the subdistrict 511903001.
pub(super) const PARTNERS: usize = 4;
/// Devices of each company in its community.
pub(super) const DEVICES: usize = 50;
/// Kinds that are agreed with each.
pub(super) const KINDS: [&str; 4] = ["fire", "flooding", "device_fault", "lift"];
/// Places in which nothing happens but what one alarm says: six communities in each of so many subdistricts.
pub(super) const SUBDISTRICTS: usize = 990;
pub(super) const COMMUNITIES: usize = 6;

/// An install that lets partners in.
pub(super) struct Partners<'g> {
    pub(super) install: Install<'g>,
}

impl<'g> Partners<'g> {
    pub(super) fn open(ground: &'g Ground) -> Result<Self> {
        let mut install = ground.install()?;
        let key = install.folder().join("platform.nk");
        install.set("bus.nats.nkey_file", key.display());
        let server = fs::read_link(format!("/proc/{}/cwd", install.nats.pid()?))?;
        let config = server.join("partners.conf").display().to_string();
        for n in 0..PARTNERS {
            // More than anybody sends here: what holds alarms back is to be measured, and not the limit.
            let (name, kinds) = (name(n), KINDS.join(","));
            let agreed = ["--areas", "511903", "--kinds", &kinds, "--rate", "100000"];
            install.run(&[&["partner", "add", &name], &agreed[..], &["--nats-config", &config]].concat())?;
        }
        install.nats.configure("include ./partners.conf")?;
        install.nats.stop()?;
        install.nats.restart()?;
        let partners = Self { install };
        partners.register()?;
        Ok(partners)
    }

    /// Devices of all communities, as `RegisterDevice` would write them.
    fn register(&self) -> Result<()> {
        let device = |code: &str, area: &str, numbers: &str, partner: &str| {
            format!(
                "INSERT INTO alarm_devices (id, partner, code, area_code, place, latitude, longitude, restricted, heartbeat_s, \
                   damping_s, retired, changed_at, real_verdicts, false_verdicts) \
                 SELECT gen_random_uuid(), {partner}, {code}, {area}, '水泵房', 31.86, 106.75, false, 0, NULL, false, now(), 0, 0 \
                 FROM {numbers}"
            )
        };
        let own = device(
            "'D-' || d",
            "511903001000001 + (p + 1) * 1000",
            &format!("generate_series(0, {}) p, generate_series(0, {}) d", PARTNERS - 1, DEVICES - 1),
            "'p' || p",
        );
        let lone = device(
            "'S-' || s || '-' || c",
            "511903000000001 + (s + 2)::bigint * 1000000 + (c + 1) * 1000",
            &format!("generate_series(0, {}) s, generate_series(0, {}) c", SUBDISTRICTS - 1, COMMUNITIES - 1),
            "'p0'",
        );
        self.install.sql("incidents", &format!("{own}; {lone}"))?;
        self.install.settle("incidents")
    }

    /// A partner's own connection.
    pub(super) async fn connect(&self, n: usize) -> Result<Client> {
        let name = name(n);
        let seed = fs::read_to_string(self.install.folder().join(format!("nats/{name}.nk")))?;
        let options = ConnectOptions::with_nkey(seed.trim().to_owned())
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .request_timeout(Some(Duration::from_secs(20)));
        options.connect(self.install.nats.url()).await.with_context(|| format!("{name} is not let in"))
    }

    /// The platform's own look at the server.
    pub(super) async fn platform(&self) -> Result<jetstream::Context> {
        let seed = fs::read_to_string(self.install.folder().join("platform.nk"))?;
        let options = ConnectOptions::with_nkey(seed.trim().to_owned());
        Ok(jetstream::new(options.connect(self.install.nats.url()).await?))
    }
}

/// A partner's name.
pub(super) fn name(n: usize) -> String {
    format!("p{n}")
}

/// An alarm that nobody has raised before, as a partner writes it.
pub(super) fn alarm(prefix: &str, device: &str, kind: &str) -> String {
    let at = Clock::system().now().to_rfc3339();
    json!({ "id": format!("{prefix}-{}", new_id().simple()), "device": device, "kind": kind, "at": at }).to_string()
}
