//! `linju keys new|rotate|token`

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use chassis::{
    access::{Grant, Principal, Role, TokenSigner, role_code, role_of},
    data::{AreaCode, Keyring, MasterKey, reseal_column},
    run::{Install, Settings, new_keys},
};
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    cli::Keys,
    output::{Output, Usage},
    services::ALL,
};

/// Running copies look for new keys every 5 seconds. Before all of them have this one, nothing may be sealed with it.
const KEYS_TAKEN_UP: Duration = Duration::from_secs(6);

pub(super) async fn run(settings: Settings, what: Keys, output: Output) -> anyhow::Result<ExitCode> {
    match what {
        Keys::New => {
            let made = new_keys(&settings)?;
            let text = if made.is_empty() {
                "all keys are there; nothing was made".to_owned()
            } else {
                let files = made.join("\n  ");
                format!(
                    "made\n  {files}\nKeep a copy of the master key elsewhere: without it the sealed data cannot be read."
                )
            };
            output.result(&json!({ "made": made }), &text);
        }
        Keys::Rotate => rotate(&Install::prepare(settings)?, output).await?,
        Keys::Rewrap { to } => rewrap(&Install::prepare(settings)?, &to, output).await?,
        Keys::Token { role, scope, unit, subject, ttl } => {
            let token = token(&Install::prepare(settings)?, &role, &scope, unit.as_deref(), subject, ttl)?;
            output.result(&json!({ "token": token, "minutes": ttl }), &token);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(install: &Install, output: Output) -> anyhow::Result<()> {
    let mut told = serde_json::Map::new();
    let mut text = String::new();
    for service in ALL {
        let context = install.context(service).await?;
        let key = context.keys.rotate().await?;
        output.say(&format!("{}: running copies take up data key {key} …", service.name()));
        tokio::time::sleep(KEYS_TAKEN_UP).await;
        let (mut seen, mut resealed) = (0, 0);
        for column in service.sealed_columns() {
            let bar = output.counter("values sealed again");
            let progress =
                reseal_column(&context.db, &context.keys, column, None, |p| bar.set_position(p.seen)).await?;
            bar.finish_and_clear();
            anyhow::ensure!(
                progress.unreadable == 0,
                "{} values of {}.{} cannot be opened with the keys of this install: restore them from a backup; nothing \
                 of them was changed",
                progress.unreadable,
                column.table,
                column.column
            );
            seen += progress.seen;
            resealed += progress.resealed;
        }
        text.push_str(&format!("{}: data key {key}; {resealed} of {seen} values sealed again\n", service.name()));
        told.insert(service.name().to_owned(), json!({ "key": key, "seen": seen, "resealed": resealed }));
        context.db.close().await;
    }
    output.result(&told, &text);
    Ok(())
}

async fn rewrap(install: &Install, to: &Path, output: Output) -> anyhow::Result<()> {
    let master = Arc::new(if to.exists() { MasterKey::from_file(to)? } else { MasterKey::new_to_file(to)? });
    for service in ALL {
        let db = install.database(service).await?;
        // A run that was broken off has done some services already; those open with the new key and are passed over.
        if Keyring::load(&db, master.clone(), install.settings.keys.suite, &install.clock).await.is_err() {
            install.keyring(service.name(), &db).await?.rewrap(master.clone()).await?;
        }
        db.close().await;
    }
    let (old, new) = (install.settings.master_key(), to.display());
    output.result(
        &json!({ "master": to.display().to_string() }),
        &format!(
            "all data keys are under {new} now. Before the next start: configure it as keys.master, or put it in the place of \
             {}. Keep the old one as long as you keep backups from before.",
            old.display()
        ),
    );
    Ok(())
}

fn token(
    install: &Install,
    roles: &[String],
    scopes: &[String],
    unit: Option<&str>,
    subject: String,
    minutes: u32,
) -> anyhow::Result<String> {
    if roles.is_empty() || scopes.is_empty() {
        return Err(Usage("name at least one --role and one --scope (an area code, or `all`)".to_owned()).into());
    }
    let areas = if scopes.iter().any(|s| s == "all") {
        None
    } else {
        let read = scopes.iter().map(|s| s.parse::<AreaCode>().map_err(|e| Usage(format!("--scope {s}: {e}"))));
        Some(read.collect::<Result<Vec<_>, _>>()?)
    };
    let grants = roles.iter().map(|code| {
        let role = role_of(code).ok_or_else(|| no_role(code))?;
        Ok(Grant { unit: unit.map(str::to_owned), ..Grant::new(role, areas.clone()) })
    });
    let principal = Principal { subject, on_behalf: None, grants: grants.collect::<Result<_, Usage>>()? };
    let signer = TokenSigner::new(&install.signer()?, install.clock.clone());
    Ok(signer.sign(&principal, TimeDelta::minutes(i64::from(minutes)))?)
}

fn no_role(code: &str) -> Usage {
    let known: Vec<_> = (1..).map_while(|n| Role::try_from(n).ok()).map(role_code).collect();
    Usage(format!("--role {code}: there is no such role; choose from {}", known.join(", ")))
}
