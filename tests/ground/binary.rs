//! The program's file.

use std::{
    env,
    path::PathBuf,
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use anyhow::{Context as _, Result, ensure};

/// The program, built by the cargo that runs the tests; that costs nothing where it is fresh. `LINJU_BIN` names another,
/// for example one that was built for a release.
pub(super) fn linju() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_builds = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = BUILT.get() {
        return Ok(path.clone());
    }
    let path = match env::var_os("LINJU_BIN") {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    Ok(BUILT.get_or_init(|| path).clone())
}

/// This test lies in `target/<profile>/deps`, the program beside that folder.
fn build() -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test.parent().and_then(|deps| deps.parent()).context("the test's folder has a parent")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "linju"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    ensure!(cargo.status()?.success(), "`cargo build -p linju` failed");
    Ok(folder.join("linju"))
}
