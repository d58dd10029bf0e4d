//! Where settings come from, and what is said about wrong ones.

use anyhow::{Context as _, Result, ensure};

use super::{DONE, USAGE, says};
use crate::ground::Install;

fn config(install: &Install, text: &str) -> Result<String> {
    let path = install.folder().join("linju.toml");
    std::fs::write(&path, text)?;
    Ok(path.to_str().context("UTF-8")?.to_owned())
}

#[test]
fn unknown_and_wrong_settings_are_refused() -> Result<()> {
    let install = Install::embedded()?;
    let run = |text: &str| {
        let file = config(&install, text)?;
        install.run(&["--config", &file, "doctor"])
    };
    says(&run("lisen = \"127.0.0.1:1\"")?, USAGE, &["lisen", "linju.toml"])?;
    says(&run("[bus.relay]\nbatches = 5")?, USAGE, &["batches"])?;
    says(&run("[limits]\ncalls = \"many\"")?, USAGE, &["calls"])?;
    says(&run("not toml at all")?, USAGE, &["linju.toml"])?;
    says(&run("[database]\nurl = \"mysql://x/{service}\"")?, USAGE, &["postgres://"])?;
    says(&run("[database]\nurl = \"postgres://x/linju\"")?, USAGE, &["{service}"])?;
    says(&install.run(&["--config", "nowhere.toml", "doctor"])?, USAGE, &["nowhere.toml"])?;
    let wrong = Install::embedded()?.with("limits.streems", 3);
    says(&wrong.run(&["doctor"])?, USAGE, &["streems"])?;
    let wrong = Install::embedded()?.with("telemetry.filter", "info,,=x=");
    says(&wrong.run(&["serve"])?, USAGE, &["telemetry.filter"])?;
    Ok(())
}

/// The environment goes over the file, and `--data` over both.
#[test]
fn the_nearer_setting_wins() -> Result<()> {
    let install = Install::embedded()?;
    let (file, environment, flag) =
        (install.folder().join("file"), install.folder().join("environment"), install.folder().join("flag"));
    let config = config(&install, &format!("data_dir = {:?}", file.display().to_string()))?;
    let run = |environment: Option<&std::path::Path>, more: &[&str]| -> Result<()> {
        let mut command = install.command(&["--config", &config, "migrate"])?;
        command.args(more);
        match environment {
            Some(path) => command.env("LINJU__DATA_DIR", path),
            None => command.env_remove("LINJU__DATA_DIR"),
        };
        ensure!(command.output()?.status.code() == DONE);
        Ok(())
    };
    run(None, &[])?;
    ensure!(file.join("residents.db").exists() && !environment.exists());
    run(Some(&environment), &[])?;
    ensure!(environment.join("residents.db").exists() && !flag.exists());
    run(Some(&environment), &["--data", flag.to_str().context("UTF-8")?])?;
    ensure!(flag.join("residents.db").exists());
    Ok(())
}
