//! Lines between our own processes with TLS on both sides: whoever calls a service shows a certificate of the install's
//! own authority, and so does the service. The files are read again while the program runs, so that certificates are renewed
//! without a restart; lines that are open stay.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::Stream;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_stream::wrappers::ReceiverStream;

use super::Tasks;
use crate::data::{KeyFileError, read_secret};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long the other side may take to show who it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// After an accept that failed for want of files or memory.
const REST: Duration = Duration::from_millis(100);
/// Lines that have shown who they are and wait to be served.
const WAITING: usize = 64;

/// Files in PEM. The certificate names, as DNS names, the services that run in the process (`residents`); whoever connects
/// checks the name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The process's certificate, and those between it and the authority.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// The authorities whose certificates are taken; two while one takes over from the other.
    pub ca: PathBuf,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error("{0} cannot be read: {1}")]
    File(String, io::Error),
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(String),
    #[error("{0} holds no private key in PEM")]
    NoKey(String),
    #[error("certificate, key and authority do not fit together: {0}")]
    Unfit(String),
}

/// What the files say.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    cert: Vec<u8>,
    key: zeroize::Zeroizing<String>,
    ca: Vec<u8>,
}

/// Both sides of a line, made of the same files.
#[derive(Clone)]
struct Sides {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// TLS as it is now. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    settings: TlsSettings,
    now: RwLock<Sides>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.0.settings).finish()
    }
}

impl Tls {
    /// Reads the files, and reads them again while the program runs. Files that do not fit together, as when only one of
    /// them is new yet, change nothing.
    pub fn open(settings: TlsSettings, tasks: &Tasks) -> Result<Self, TlsError> {
        let mut known = Files::read(&settings)?;
        let tls = Self(Arc::new(Inner { now: RwLock::new(known.sides(&settings)?), settings }));
        let (this, looking) = (tls.clone(), tasks.clone());
        tasks.spawn(async move {
            while looking.pause(LOOK).await {
                match this.renewed(&known) {
                    Ok(None) => {}
                    Ok(Some(files)) => {
                        tracing::info!(cert = %this.0.settings.cert.display(), "new certificates are used from now on");
                        known = files;
                    }
                    Err(error) => tracing::warn!(%error, "the certificates stay as they were"),
                }
            }
        });
        Ok(tls)
    }

    /// Takes up the files where they have changed.
    fn renewed(&self, known: &Files) -> Result<Option<Files>, TlsError> {
        let files = Files::read(&self.0.settings)?;
        if files == *known {
            return Ok(None);
        }
        let sides = files.sides(&self.0.settings)?;
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = sides;
        Ok(Some(files))
    }

    fn now(&self) -> Sides {
        self.0.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A line to the service `name` at an address.
    pub async fn connect(&self, address: SocketAddr, name: &str) -> io::Result<client::TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.now().client);
        let line = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connector.connect(name, stream).await
        };
        tokio::time::timeout(PATIENCE, line).await?
    }

    /// Lines of those who have shown a certificate that is taken here. One that is slow holds up no other.
    pub(super) fn incoming(
        &self,
        listener: TcpListener,
        tasks: &Tasks,
    ) -> impl Stream<Item = io::Result<server::TlsStream<TcpStream>>> + use<> {
        let (ready, lines) = mpsc::channel(WAITING);
        let (this, all) = (self.clone(), tasks.clone());
        tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = all.stopping() => return,
                };
                match accepted {
                    Ok((stream, _)) => all.spawn(this.clone().hand_over(stream, ready.clone())),
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be taken");
                        tokio::time::sleep(REST).await;
                    }
                }
            }
        });
        ReceiverStream::new(lines)
    }

    async fn hand_over(self, stream: TcpStream, ready: mpsc::Sender<io::Result<server::TlsStream<TcpStream>>>) {
        // Refused only where the other side is gone already.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.now().server);
        match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            // Nobody takes it where the program stops.
            Ok(Ok(line)) => drop(ready.send(Ok(line)).await),
            Ok(Err(error)) => tracing::info!(%error, "a line was refused"),
            Err(_) => tracing::info!("a line was refused: it was silent"),
        }
    }
}

impl Files {
    fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let file = |path: &PathBuf| std::fs::read(path).map_err(|e| TlsError::File(path.display().to_string(), e));
        let key = read_secret(&settings.key, "a private key (PEM)")?;
        Ok(Self { cert: file(&settings.cert)?, key, ca: file(&settings.ca)? })
    }

    fn sides(&self, settings: &TlsSettings) -> Result<Sides, TlsError> {
        let unfit = |error: &dyn std::fmt::Display| TlsError::Unfit(error.to_string());
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.ca, &settings.ca)? {
            roots.add(authority).map_err(|e| unfit(&e))?;
        }
        let (roots, chain) = (Arc::new(roots), certificates(&self.cert, &settings.cert)?);
        let no_key = |_| TlsError::NoKey(settings.key.display().to_string());
        let key = || PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(no_key);
        let callers = WebPkiClientVerifier::builder(roots.clone()).build().map_err(|e| unfit(&e))?;
        let server = ServerConfig::builder().with_client_cert_verifier(callers);
        let mut server = server.with_single_cert(chain.clone(), key()?).map_err(|e| unfit(&e))?;
        let client = ClientConfig::builder().with_root_certificates(roots);
        let mut client = client.with_client_auth_cert(chain, key()?).map_err(|e| unfit(&e))?;
        server.alpn_protocols = vec![b"h2".to_vec()];
        client.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Sides { server: Arc::new(server), client: Arc::new(client) })
    }
}

fn certificates(pem: &[u8], path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = || TlsError::NoCertificate(path.display().to_string());
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|_| none())?;
    if read.is_empty() { Err(none()) } else { Ok(read) }
}
