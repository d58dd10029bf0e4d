//! Where the server programs are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The folder with `initdb`, `postgres` and `psql` of the newest Postgres found.
pub(crate) fn postgres_folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("LINJU_PG_BIN").map(PathBuf::from) {
        if folder.join("postgres").is_file() {
            return Ok(folder);
        }
        bail!("LINJU_PG_BIN is {}, but there is no file `postgres` in it", folder.display());
    }
    if let Some(folder) = newest_debian_postgres(Path::new("/usr/lib/postgresql")) {
        return Ok(folder);
    }
    match on_path("postgres").and_then(|file| file.parent().map(Path::to_path_buf)) {
        Some(folder) => Ok(folder),
        None => bail!(
            "Postgres is not installed: run scripts/install-tools, or install Debian's package `postgresql`, \
             or set LINJU_PG_BIN to the folder that holds `postgres` and `initdb`"
        ),
    }
}

/// The file `nats-server`.
pub(crate) fn nats_server() -> Result<PathBuf> {
    program("nats-server", "LINJU_NATS_SERVER", "scripts/install-tools")
}

/// The file `weed`, the one program of `SeaweedFS`.
pub(crate) fn weed() -> Result<PathBuf> {
    program("weed", "LINJU_WEED", "scripts/install-tools weed")
}

/// The file `envoy`, where it is installed.
pub fn envoy() -> Option<PathBuf> {
    program("envoy", "LINJU_ENVOY", "scripts/install-tools envoy").ok()
}

/// `buf`, where it is installed.
pub fn buf() -> Option<PathBuf> {
    program("buf", "LINJU_BUF", "scripts/install-tools buf").ok()
}

/// A Python with the packages of `scripts/tools/python.txt`, where it is installed.
pub fn python() -> Option<PathBuf> {
    tool_folder().map(|folder| folder.join("python/bin/python")).filter(|file| file.is_file())
}

fn program(name: &str, variable: &str, installed_by: &str) -> Result<PathBuf> {
    if let Some(file) = env::var_os(variable).map(PathBuf::from) {
        if file.is_file() {
            return Ok(file);
        }
        bail!("{variable} is {}, but there is no such file", file.display());
    }
    let installed = tool_folder().map(|folder| folder.join("bin").join(name)).filter(|file| file.is_file());
    match installed.or_else(|| on_path(name)) {
        Some(file) => Ok(file),
        None => bail!("{name} is not installed: run {installed_by}, or set {variable} to the program's file"),
    }
}

/// Where `scripts/install-tools` puts what it fetches; the two must agree.
fn tool_folder() -> Option<PathBuf> {
    let linju = match set("LINJU_CACHE") {
        Some(folder) => folder,
        None => set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?.join("linju"),
    };
    Some(linju.join("tools"))
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Debian keeps each major version in a folder named by its number.
fn newest_debian_postgres(root: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(root).ok()?.flatten();
    let versions = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    versions
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, bin)| bin.join("postgres").is_file())
        .max()
        .map(|(_, bin)| bin)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::newest_debian_postgres;

    #[test]
    fn the_newest_version_is_by_number_not_by_letter() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        for version in ["9", "15", "16"] {
            std::fs::create_dir_all(root.path().join(version).join("bin"))?;
        }
        for version in ["9", "15"] {
            std::fs::write(root.path().join(version).join("bin/postgres"), "")?;
        }
        assert_eq!(newest_debian_postgres(root.path()), Some(root.path().join("15/bin")));
        assert_eq!(newest_debian_postgres(&root.path().join("16")), None);
        Ok(())
    }
}
