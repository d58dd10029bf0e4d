//! `linju partner add|rotate|remove|list`: who may send alarms, by which key, and what the NATS server is told of it.

mod nats;

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chassis::{data::AreaCode, run::Install};
use linju_incidents::{
    App, IncidentsService,
    app::{AlarmDesk, NewPartner, NotAPartner},
    domain::alarm::AlarmKind,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use nkeys::KeyPair;
use serde_json::json;

use crate::{
    cli::{AddPartner, Partner, PartnerFiles},
    output::{Output, Usage},
};

pub(super) async fn run(install: &Install, what: Partner, output: Output) -> anyhow::Result<ExitCode> {
    let context = install.context(&IncidentsService).await?;
    let db = context.db.clone();
    let desk = AlarmDesk::new(App::new(context));
    let outcome = match what {
        Partner::Add(add) => self::add(install, &desk, add, output).await,
        Partner::Rotate { name, files } => rotate(install, &desk, &name, &files, output).await,
        Partner::Remove { name, files } => remove(install, &desk, &name, &files, output).await,
        Partner::List => list(&desk, output).await,
    };
    db.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn add(install: &Install, desk: &AlarmDesk, add: AddPartner, output: Output) -> anyhow::Result<()> {
    let AddPartner { name, areas, kinds, rate, video_hosts, files } = add;
    let code = |text: &String| text.parse::<AreaCode>().map_err(|e| Usage(format!("--areas {text}: {e}")));
    let kind = |text: &String| AlarmKind::accept(text).map_err(|e| Usage(format!("--kinds {text}: {e}")));
    let key = KeyPair::new_user();
    let new = NewPartner {
        name: name.clone(),
        key: key.public_key(),
        areas: areas.iter().map(code).collect::<Result<_, _>>()?,
        kinds: kinds.iter().map(kind).collect::<Result<_, _>>()?,
        video_hosts,
        rate,
    };
    platform_key(install)?;
    granted(desk.add_partner(new).await?)?;
    let seed = keep(install, &files, &name, &key)?;
    let told = tell_server(install, desk, &files).await?;
    let text = format!("{name} may send alarms.\n{}{}", seed.text(&name), told.text());
    output.result(
        &json!({ "partner": name, "key": seed.path(), "nats_config": told.path(), "reloaded": told.reloaded }),
        &text,
    );
    Ok(())
}

async fn rotate(
    install: &Install,
    desk: &AlarmDesk,
    name: &str,
    files: &PartnerFiles,
    output: Output,
) -> anyhow::Result<()> {
    let key = KeyPair::new_user();
    granted(desk.rotate_partner(name, key.public_key()).await?)?;
    let seed = keep(install, files, name, &key)?;
    let told = tell_server(install, desk, files).await?;
    let text = format!("{name} has another key; the old one ends with the reload.\n{}{}", seed.text(name), told.text());
    output.result(
        &json!({ "partner": name, "key": seed.path(), "nats_config": told.path(), "reloaded": told.reloaded }),
        &text,
    );
    Ok(())
}

async fn remove(
    install: &Install,
    desk: &AlarmDesk,
    name: &str,
    files: &PartnerFiles,
    output: Output,
) -> anyhow::Result<()> {
    granted(desk.remove_partner(name).await?)?;
    let told = tell_server(install, desk, files).await?;
    let text = format!("{name} is let in no more; what it sent stays.\n{}", told.text());
    output.result(&json!({ "partner": name, "nats_config": told.path(), "reloaded": told.reloaded }), &text);
    Ok(())
}

async fn list(desk: &AlarmDesk, output: Output) -> anyhow::Result<()> {
    let partners = desk.partners().await?;
    let mut text = String::new();
    let mut list = Vec::new();
    for partner in &partners {
        let agreed = partner.agreement()?;
        let joined = |texts: Vec<String>| texts.join(",");
        let (areas, kinds) = (
            joined(agreed.areas.iter().map(ToString::to_string).collect()),
            joined(agreed.kinds.iter().map(ToString::to_string).collect()),
        );
        let state = if partner.removed { "removed" } else { "active" };
        text.push_str(&format!("{:<20} {state:<8} {:>6}/s  {areas}  {kinds}\n", partner.name, partner.rate));
        list.push(json!({
            "name": partner.name, "state": state, "rate": partner.rate, "areas": agreed.areas.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "kinds": agreed.kinds.iter().map(|kind| kind.code()).collect::<Vec<_>>(), "video_hosts": agreed.video_hosts,
            "key": partner.key, "since": partner.created_at,
        }));
    }
    if partners.is_empty() {
        text.push_str("there are no partners\n");
    }
    output.result(&list, &text);
    Ok(())
}

fn granted(outcome: Result<(), NotAPartner>) -> anyhow::Result<()> {
    outcome.map_err(|refused| Usage(refused.to_string()).into())
}

/// Where files go that no option names.
fn folder(install: &Install) -> PathBuf {
    install.settings.data_dir.join("nats")
}

/// Where a partner's seed was put; nowhere where there is no NATS.
struct Seed(Option<PathBuf>);

impl Seed {
    fn path(&self) -> Option<String> {
        self.0.as_ref().map(|path| path.display().to_string())
    }

    fn text(&self, name: &str) -> String {
        match &self.0 {
            Some(path) => format!(
                "Its key is in {} (readable by you alone): hand it over, then delete it; nothing else holds it.\n",
                path.display()
            ),
            None => format!(
                "There is no NATS here: it calls the gateway. Sign a token with\n  linju keys token --role partner --subject {name} \
                 --scope AREA\n"
            ),
        }
    }
}

fn keep(install: &Install, files: &PartnerFiles, name: &str, key: &KeyPair) -> anyhow::Result<Seed> {
    if install.settings.bus.nats.is_none() {
        return Ok(Seed(None));
    }
    let path = files.key.clone().unwrap_or_else(|| folder(install).join(format!("{name}.nk")));
    write_secret(&path, &key.seed()?)?;
    Ok(Seed(Some(path)))
}

/// Makes the platform's own key where there is none yet; says where it must be set.
fn platform_key(install: &Install) -> anyhow::Result<()> {
    let Some(nats) = &install.settings.bus.nats else { return Ok(()) };
    let Some(path) = &nats.nkey_file else {
        return Err(Usage(
            "set bus.nats.nkey_file to where the platform's own key is to lie; it is made where there is none"
                .to_owned(),
        )
        .into());
    };
    if !path.exists() {
        write_secret(path, &KeyPair::new_user().seed()?)?;
    }
    Ok(())
}

/// What was done so that the NATS server knows.
struct Told {
    file: Option<PathBuf>,
    reloaded: bool,
}

impl Told {
    fn path(&self) -> Option<String> {
        self.file.as_ref().map(|path| path.display().to_string())
    }

    fn text(&self) -> String {
        let Some(file) = &self.file else { return String::new() };
        if self.reloaded {
            return format!("{} is written, and the NATS server was told to read it.\n", file.display());
        }
        format!(
            "{} is written. Let the NATS server read it now:\n  nats-server --signal reload=PID\nIts configuration must say \
             `include` and this file's path, relative to its own folder.\n",
            file.display()
        )
    }
}

async fn tell_server(install: &Install, desk: &AlarmDesk, files: &PartnerFiles) -> anyhow::Result<Told> {
    let Some(nats) = &install.settings.bus.nats else { return Ok(Told { file: None, reloaded: false }) };
    platform_key(install)?;
    let seed = fs::read_to_string(nats.nkey_file.clone().unwrap_or_default()).context("bus.nats.nkey_file")?;
    let platform = KeyPair::from_seed(seed.trim()).context("bus.nats.nkey_file holds no nkey seed")?;
    let partners: Vec<_> = desk.partners().await?.into_iter().filter(|partner| !partner.removed).collect();
    let text = nats::configuration(&nats.stream, &platform.public_key(), &partners);
    let path = files.nats_config.clone().unwrap_or_else(|| folder(install).join("partners.conf"));
    write_secret(&path, &text)?;
    if let Some(pid) = files.reload {
        kill(Pid::from_raw(pid), Signal::SIGHUP).with_context(|| format!("process {pid} cannot be told to reload"))?;
    }
    Ok(Told { file: Some(path), reloaded: files.reload.is_some() })
}

/// Writes a file that only its owner reads, whole or not at all.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let beside = path.with_extension("new");
    let write = || {
        // What an earlier run left behind might be readable by others.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        writeln!(file, "{}", text.trim_end())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| path.display().to_string())
}
