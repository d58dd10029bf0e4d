//! panva's `oidc-provider` in a process of its own. The tests of the gateway and those of the whole program share it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher as _},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use http::header;

/// The provider's process; ended with the value.
pub(crate) struct Provider {
    child: Child,
    /// Kept open: it would end where it cannot write.
    _output: BufReader<ChildStdout>,
    pub(crate) at: String,
    web: reqwest::Client,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where its source and the list of its packages are.
fn source() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|folder| folder.join("tests/edge/oidc")).find(|folder| folder.is_dir());
    found.context("tests/edge/oidc")
}

/// The provider's packages, installed once for each lock file; none where there is no npm. Two test programs may do it at
/// once: whoever is ready first wins.
fn packages() -> Result<Option<PathBuf>> {
    let found = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found("npm") || !found("node") {
        return Ok(None);
    }
    let source = source()?;
    let mut version = DefaultHasher::new();
    for file in ["package-lock.json", "provider.js"] {
        version.write(&std::fs::read(source.join(file))?);
    }
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tools.join(format!("oidc-provider-{:016x}", version.finish()));
    if !folder.exists() {
        let fresh = tempfile::tempdir_in(tools)?;
        for file in ["package.json", "package-lock.json", "provider.js"] {
            std::fs::copy(source.join(file), fresh.path().join(file))?;
        }
        let done = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&fresh).output()?;
        ensure!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
        if let Err(error) = std::fs::rename(fresh.path(), &folder) {
            ensure!(folder.exists(), "{error}");
        }
    }
    Ok(Some(folder))
}

impl Provider {
    pub(crate) fn start(client: &str) -> Result<Option<Self>> {
        let Some(folder) = packages()? else {
            test_servers::skipped("no npm: signing in with an OpenID provider is not tested");
            return Ok(None);
        };
        let mut child = Command::new("node")
            .args(["provider.js", client])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut at = String::new();
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        output.read_line(&mut at)?;
        ensure!(at.starts_with("http://127.0.0.1:"), "the provider did not start: {at}");
        let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        Ok(Some(Self { child, _output: output, at: at.trim().to_owned(), web }))
    }

    /// What somebody does in a browser at the provider, until it sends them elsewhere; says where.
    pub(crate) async fn visit(
        &self,
        cookies: &mut BTreeMap<String, String>,
        start: &str,
        login: &str,
    ) -> Result<String> {
        let mut address = start.to_owned();
        let mut form: Option<String> = None;
        for _ in 0..20 {
            if !address.starts_with(&self.at) {
                return Ok(address);
            }
            let request = match form.take() {
                None => self.web.get(&address),
                Some(form) => {
                    let kind = "application/x-www-form-urlencoded";
                    self.web.post(&address).header(header::CONTENT_TYPE, kind).body(form)
                }
            };
            let all: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let response = request.header(header::COOKIE, all.join("; ")).send().await?;
            for set in response.headers().get_all(header::SET_COOKIE) {
                let pair = set.to_str()?.split(';').next().and_then(|pair| pair.split_once('='));
                let (name, value) = pair.context("a pair")?;
                cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(next) = response.headers().get(header::LOCATION) {
                address = response.url().join(next.to_str()?)?.to_string();
                continue;
            }
            let status = response.status();
            let page = response.text().await?;
            let posted = |name: &str| page.contains(&format!("name=\"prompt\" value=\"{name}\""));
            form = Some(match page.split("name=\"xsrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) {
                Some(xsrf) => {
                    address = format!("{}/session/end/confirm", self.at);
                    format!("xsrf={xsrf}&logout=yes")
                }
                None if posted("login") => format!("prompt=login&login={login}&password=x"),
                None if posted("consent") => "prompt=consent".to_owned(),
                None => bail!("the provider answers {status}: {page}"),
            });
        }
        bail!("the provider sends in circles")
    }
}
