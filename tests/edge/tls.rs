//! Lines between the door and the services: TLS on both sides, the signed token besides, and new certificates while it runs.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use chassis::run::{Tasks, Tls, TlsSettings};
use hyper_util::rt::TokioIo;
use linju_proto::residents::v1::{GetResidentRequest, resident_service_client::ResidentServiceClient};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use test_servers::Nats;
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tonic::{Code, transport::Endpoint};

use crate::ground::{Desk, Install, Serving, areas, holds, reason};

/// Somebody who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Writes a certificate with these names, its key and `trusted` into a folder.
    fn issue(&self, folder: &Path, names: &[&str], trusted: &str) -> Result<TlsSettings> {
        fs::create_dir_all(folder)?;
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate()?;
        let cert = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let path = |name: &str| folder.join(name);
        let files = TlsSettings { cert: path("cert.pem"), key: path("key.pem"), ca: path("ca.pem") };
        fs::write(&files.cert, cert.pem())?;
        fs::write(&files.ca, trusted)?;
        let mut secret = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&files.key)?;
        secret.write_all(key.serialize_pem().as_bytes())?;
        Ok(files)
    }
}

/// What a process is told of its files.
fn told(files: &TlsSettings) -> Vec<(&'static str, String)> {
    let text = |path: &PathBuf| path.display().to_string();
    vec![
        ("LINJU__TLS__CERT", text(&files.cert)),
        ("LINJU__TLS__KEY", text(&files.key)),
        ("LINJU__TLS__CA", text(&files.ca)),
    ]
}

async fn serve(install: &Install, service: &str, settings: &[(&str, String)]) -> Result<Serving> {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    install.serve(&[service], &settings).await
}

/// Whether the service itself answers whoever has the certificate of `files`: that a token is missing.
async fn answers(serving: &Serving, files: TlsSettings, name: &'static str) -> Result<bool> {
    let (tls, at) = (Tls::open(files, &Tasks::default())?, serving.grpc);
    let connector = tower::service_fn(move |_| {
        let tls = tls.clone();
        async move { tls.connect(at, name).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://residents").connect_with_connector_lazy(connector);
    let called = ResidentServiceClient::new(channel).get_resident(GetResidentRequest::default()).await;
    let status = called.err().context("nobody is let in without a token")?;
    Ok((status.code(), reason(&status).as_str()) == (Code::Unauthenticated, "NOT_SIGNED_IN"))
}

/// Whether a line that shows no certificate is taken.
async fn nameless_is_taken(serving: &Serving, authority: &Authority) -> Result<bool> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes())?)?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(serving.grpc).await?;
    let Ok(mut line) = connector.connect(ServerName::try_from("residents")?, stream).await else { return Ok(false) };
    // In TLS 1.3 the refusal comes with the first read.
    Ok(line.read(&mut [0; 1]).await.is_ok_and(|read| read > 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn services_take_lines_only_from_their_own_house() -> Result<()> {
    let nats = tokio::task::spawn_blocking(Nats::start).await??;
    let install = Install::shared_stack(&nats)?;
    let (code, answer) = install.import("areas", &areas(), &[])?;
    ensure!(code == Some(0), "{answer}");
    let folder = |name: &str| install.folder().join(name);
    let (house, stranger) = (Authority::new()?, Authority::new()?);
    let of_residents = house.issue(&folder("residents"), &["residents"], &house.pem)?;
    let of_gateway = house.issue(&folder("gateway"), &["gateway"], &house.pem)?;
    let residents = serve(&install, "residents", &told(&of_residents)).await?;
    let mut settings = told(&of_gateway);
    settings.push(("LINJU__SERVICE__GATEWAY__UPSTREAMS__RESIDENTS", residents.grpc.to_string()));
    let gateway = serve(&install, "gateway", &settings).await?;
    let desk = Desk::open(&install, &gateway).await?;
    holds("the door reaches the service", async || Ok(desk.get("/v1/areas", "").await?.status == 200)).await?;

    // Past the door: with a certificate of the house and no token, of somebody else's, with none, without TLS.
    ensure!(answers(&residents, of_gateway.clone(), "residents").await?, "it asks for the token");
    let foreign = stranger.issue(&folder("stranger"), &["gateway"], &house.pem)?;
    ensure!(!answers(&residents, foreign, "residents").await?, "another authority's certificate");
    ensure!(!answers(&residents, of_gateway.clone(), "incidents").await?, "another's name");
    ensure!(!nameless_is_taken(&residents, &house).await?, "a line without a certificate");
    let plain = Endpoint::from_shared(format!("http://{}", residents.grpc))?.connect_lazy();
    let plain = ResidentServiceClient::new(plain).get_resident(GetResidentRequest::default()).await;
    assert_eq!(plain.err().map(|status| status.code() == Code::Unauthenticated), Some(false), "a plain line");

    // Another authority takes over, without a restart: first both are trusted, then only the new one.
    let both = format!("{}{}", house.pem, stranger.pem);
    fs::write(&of_residents.ca, &both)?;
    fs::write(&of_gateway.ca, &both)?;
    let foreign = stranger.issue(&folder("stranger"), &["gateway"], &both)?;
    holds("the new authority is taken", async || answers(&residents, foreign.clone(), "residents").await).await?;
    stranger.issue(&folder("residents"), &["residents"], &stranger.pem)?;
    let old = house.issue(&folder("old"), &["gateway"], &both)?;
    holds("the old authority is refused", async || Ok(!answers(&residents, old.clone(), "residents").await?)).await?;
    stranger.issue(&folder("gateway"), &["gateway"], &stranger.pem)?;
    holds("the door goes on", async || Ok(desk.get("/v1/areas", "").await?.status == 200)).await?;
    ensure!(gateway.stop().await?.success() && residents.stop().await?.success());
    Ok(())
}
