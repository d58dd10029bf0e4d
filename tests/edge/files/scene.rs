//! Attachments and the incidents they belong to, in one process behind the real access layer.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body};
use chassis::{
    access::{Gate, Gated, Grant, Principal, Role, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::{LocalLog, Outbox},
    run::{self, Context, Meter, Service},
};
use chrono::TimeDelta;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use image::{DynamicImage, RgbImage, codecs::jpeg::JpegEncoder};
use linju_gateway::{
    GatewayService,
    attachments::{AttachmentSettings, Attachments, S3Settings},
};
use linju_incidents::IncidentsService;
use linju_proto::{
    gateway::v1::attachment_service_client::AttachmentServiceClient,
    incidents::v1::{self, incident_service_client::IncidentServiceClient},
};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use test_servers::S3;
use tonic::service::Routes;
use tower::{Layer, ServiceExt as _};

const GRID: &str = "511903001008002";

pub(crate) type Door = Gated<Routes>;

pub(crate) struct Scene {
    pub(crate) app: Attachments,
    files: Router,
    door: Door,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    key: SigningKey,
    pub(crate) folder: TempDir,
    _postgres: Option<test_servers::Database>,
}

/// What came back over HTTP.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| String::from_utf8_lossy(&self.body).into_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What the store of a scene is told.
pub(crate) fn in_bucket(server: &S3, folder: &std::path::Path, prefix: &str) -> Result<AttachmentSettings> {
    let file = |name: &str, text: &str| -> Result<PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, format!("{text}\n"))?;
        Ok(path)
    };
    let s3 = S3Settings {
        endpoint: server.endpoint(),
        bucket: "linju-files".to_owned(),
        region: "us-east-1".to_owned(),
        access_key_file: file("access", server.access_key())?,
        secret_key_file: file("secret", server.secret_key())?,
        prefix: prefix.to_owned(),
    };
    Ok(AttachmentSettings { s3: Some(s3), ..AttachmentSettings::default() })
}

impl Scene {
    pub(crate) async fn sqlite(settings: AttachmentSettings) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("gateway.db"), &PoolSettings::default()).await?;
        Self::on(db, None, folder, settings).await
    }

    pub(crate) async fn postgres(settings: AttachmentSettings) -> Result<Self> {
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Self::on(db, Some(database), tempfile::tempdir()?, settings).await
    }

    async fn on(
        db: Db,
        postgres: Option<test_servers::Database>,
        folder: TempDir,
        settings: AttachmentSettings,
    ) -> Result<Self> {
        let clock = Clock::fixed(Clock::system().now());
        let master = Arc::new(MasterKey::new_to_file(&folder.path().join("master.key"))?);
        let context = async |db: Db, service: &dyn Service| {
            run::migrate(&db, service).await?;
            anyhow::Ok(Context {
                keys: Keyring::load(&db, master.clone(), Suite::Aes256Gcm, &clock).await?,
                db,
                clock: clock.clone(),
                ids: Ids::random(),
                outbox: Outbox::default(),
                message_bytes: 1 << 20,
                settings: serde_json::Value::Null,
            })
        };
        let bus = LocalLog::open(&folder.path().join("events.db"), clock.clone()).await?;
        let of_incidents = Db::open_file(&folder.path().join("incidents.db"), &PoolSettings::default()).await?;
        let incidents = IncidentsService.build(context(of_incidents, &IncidentsService).await?, bus)?;
        let app = Attachments::new(&context(db.clone(), &GatewayService).await?, settings);
        let routes = incidents.routes.add_service(app.server());
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let door = Gate::new(verifier, 1_000, Meter::new().map_err(anyhow::Error::msg)?).layer(routes);
        app.open(door.clone(), folder.path()).map_err(anyhow::Error::msg)?;
        let files = app.http_routes();
        Ok(Self { app, files, door, db, clock, key, folder, _postgres: postgres })
    }

    pub(crate) fn token(&self, who: &Principal) -> Result<String> {
        Ok(format!("Bearer {}", TokenSigner::new(&self.key, self.clock.clone()).sign(who, TimeDelta::minutes(5))?))
    }

    pub(crate) fn of<T>(&self, who: &Principal, purpose: &str, message: T) -> Result<tonic::Request<T>> {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", self.token(who)?.parse()?);
        if !purpose.is_empty() {
            request.metadata_mut().insert("linju-purpose", purpose.parse()?);
        }
        Ok(request)
    }

    pub(crate) fn attachments(&self) -> AttachmentServiceClient<Door> {
        AttachmentServiceClient::new(self.door.clone())
    }

    /// An incident that `who` reports.
    pub(crate) async fn report(&self, who: &Principal) -> Result<String> {
        let report = v1::ReportIncidentRequest {
            channel: v1::Channel::App.into(),
            place: Some(v1::Place {
                area_code: GRID.to_owned(),
                address: "白玉小区3栋".to_owned(),
                ..v1::Place::default()
            }),
            description: "楼道的灯坏了".to_owned(),
            request_id: Ids::random().next::<uuid::Uuid>().to_string(),
            ..v1::ReportIncidentRequest::default()
        };
        let mut client = IncidentServiceClient::new(self.door.clone());
        Ok(client.report_incident(self.of(who, "", report)?).await?.into_inner().id)
    }

    pub(crate) async fn http(&self, who: &Principal, request: http::request::Builder, body: Vec<u8>) -> Result<Answer> {
        let request = request.header(header::AUTHORIZATION, self.token(who)?).body(Body::from(body))?;
        let response = self.files.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| anyhow::anyhow!("{e}"))?.to_bytes().to_vec();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    pub(crate) async fn upload(&self, who: &Principal, incident: &str, name: &str, file: Vec<u8>) -> Result<Answer> {
        let request = Request::post(format!("/v1/incidents/{incident}/attachments?filename={name}"));
        self.http(who, request, file).await
    }

    /// The id of a file that was taken.
    pub(crate) async fn uploaded(&self, who: &Principal, incident: &str, file: Vec<u8>) -> Result<String> {
        let answer = self.upload(who, incident, "a.jpg", file).await?;
        ensure!(answer.status == StatusCode::CREATED, "{}", String::from_utf8_lossy(&answer.body));
        Ok(answer.json()?["id"].as_str().context("an id")?.to_owned())
    }

    pub(crate) async fn content(&self, who: &Principal, purpose: &str, id: &str, part: &str) -> Result<Answer> {
        let mut request = Request::get(format!("/v1/attachments/{id}/{part}"));
        if !purpose.is_empty() {
            request = request.header("linju-purpose", purpose);
        }
        self.http(who, request, Vec::new()).await
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<u64> {
        Ok(self.db.raw_writer().execute_unprepared(sql).await?.rows_affected())
    }

    pub(crate) async fn count(&self, what: &str) -> Result<i64> {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT count(*) FROM {what}"));
        Ok(self.db.raw_writer().query_one_raw(statement).await?.context("a row")?.try_get_by_index(0)?)
    }

    /// All rounds of tidying up: rows and contents that went.
    pub(crate) async fn sweep(&self) -> Result<(usize, usize)> {
        let (mut rows, mut contents) = (0, 0);
        for shard in 0..=255 {
            let swept = self.app.sweep(shard).await?;
            rows += swept.rows;
            contents += swept.contents;
        }
        Ok((rows, contents))
    }

    /// Every file in the store, where it is a folder.
    pub(crate) fn stored(&self) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for shard in std::fs::read_dir(self.folder.path().join("attachments"))? {
            for file in std::fs::read_dir(shard?.path())? {
                all.push(std::fs::read(file?.path())?);
            }
        }
        Ok(all)
    }
}

pub(crate) fn person(subject: &str, role: Role, area: &str) -> Principal {
    let areas = Some(vec![area.parse().expect("a code")]);
    Principal { subject: subject.to_owned(), on_behalf: None, grants: vec![Grant::new(role, areas)] }
}

/// A photo; each seed gives another.
pub(crate) fn photo(seed: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(640, 480, |x, y| {
        image::Rgb([seed, u8::try_from(x % 256).unwrap_or_default(), u8::try_from(y % 256).unwrap_or_default()])
    });
    let mut out = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut out, 80);
    DynamicImage::from(picture).write_with_encoder(encoder).expect("a picture");
    out
}
