//! `linju audit verify|checkpoint`

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use chassis::{
    access::PublicKeys,
    access::audit::{AuditFault, Checkpoint, seal_pending, verify},
    run::{Install, Service},
};
use serde_json::json;

use crate::{
    cli::Audit,
    output::{Output, exit},
    services::ALL,
};

pub(super) async fn run(install: &Install, what: Audit, output: Output) -> anyhow::Result<ExitCode> {
    match what {
        Audit::Verify { checkpoints } => verify_all(install, checkpoints.as_deref(), output).await,
        Audit::Checkpoint { out } => checkpoint(install, &out, output).await,
    }
}

/// Where the checkpoint of a service stands in a folder.
fn file(folder: &Path, service: &dyn Service) -> std::path::PathBuf {
    folder.join(format!("linju-audit-{}.json", service.name()))
}

async fn verify_all(install: &Install, folder: Option<&Path>, output: Output) -> anyhow::Result<ExitCode> {
    let keys = PublicKeys::from_file(&install.settings.token_public())?;
    let (mut told, mut text, mut faults) = (serde_json::Map::new(), String::new(), 0);
    for service in ALL {
        let name = service.name();
        let checkpoint = folder.map(|folder| {
            let path = file(folder, service);
            let json = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::Ok(Checkpoint::from_json(&json, name, &keys)?)
        });
        let db = install.database(service).await?;
        match verify(&db, &install.clock, checkpoint.transpose()?.as_ref()).await {
            Ok(verified) => {
                text.push_str(&format!("{name}: {} entries, all as they were written\n", verified.entries));
                told.insert(name.to_owned(), json!({ "entries": verified.entries, "fault": null }));
            }
            Err(AuditFault::Db(error)) => return Err(error.into()),
            Err(fault) => {
                faults += 1;
                text.push_str(&format!("{name}: {fault}\n"));
                told.insert(name.to_owned(), json!({ "fault": fault.to_string() }));
            }
        }
        db.close().await;
    }
    output.result(&told, &text);
    Ok(ExitCode::from(if faults == 0 { 0 } else { exit::FAULTS }))
}

async fn checkpoint(install: &Install, folder: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let key = install.signer()?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (mut told, mut text) = (Vec::new(), String::new());
    for service in ALL {
        let db = install.database(service).await?;
        seal_pending(&db).await?;
        // Only a log that is whole is signed.
        let verified = verify(&db, &install.clock, None).await?;
        let signed = Checkpoint::sign(service.name(), verified.head, install.clock.now(), &key);
        let path = file(folder, service);
        fs::write(&path, signed.to_json() + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        text.push_str(&format!("{}: {} entries; {}\n", service.name(), verified.entries, path.display()));
        told.push(path.display().to_string());
        db.close().await;
    }
    text.push_str("Keep these files where whoever runs the databases cannot change them.\n");
    output.result(&told, &text);
    Ok(ExitCode::SUCCESS)
}
