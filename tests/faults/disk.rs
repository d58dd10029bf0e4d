//! The disk fills up.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use test_servers::skipped;
use tonic::Code;

use super::{desk, report};
use crate::ground::{House, Install, reason};

/// A file system of a few megabytes; gone with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Only root may mount one.
    fn mount(folder: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "linju-test"]).arg(folder).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, so that a process that still uses it does not keep it from going.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_is_half_written() -> Result<()> {
    let install = Install::embedded()?;
    fs::create_dir_all(install.data())?;
    let Some(small) = SmallDisk::mount(&install.data()) else {
        skipped("a disk that fills up is a tmpfs, which only root may mount");
        return Ok(());
    };
    let house = House::open(install).await?;
    let desk = desk(&house).await?;
    report(&desk).await?;
    let filler = small.0.join("filler");
    let full = Command::new("dd").args(["if=/dev/zero", "bs=4k", "status=none"]).arg(of(&filler)).output()?;
    ensure!(!full.status.success(), "dd writes until nothing is left");

    let mut refused = None;
    // What is free inside the files is used up first.
    for _ in 0..2_000 {
        if let Err(status) = report(&desk).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.context("it was never full")?;
    ensure!((refused.code(), reason(&refused).as_str()) == (Code::ResourceExhausted, "DISK_FULL"), "{refused:?}");
    fs::remove_file(&filler)?;
    crate::ground::holds("it writes again", async || Ok(report(&desk).await.is_ok())).await?;
    let incidents = house.install.count("incidents", "incidents").await?;
    ensure!(house.install.count("incidents", "timeline").await? == incidents);
    ensure!(house.install.count("incidents", "requests").await? == incidents);
    ensure!(house.install.count("incidents", "outbox").await? == incidents);
    crate::ground::holds("every event is published", async || house.install.is_drained().await).await?;
    drop(house.close().await?);
    drop(small);
    Ok(())
}

fn of(path: &Path) -> String {
    format!("of={}", path.display())
}
