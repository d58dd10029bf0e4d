//! An office whose people sign in: identity on a database of its own, and browsers and apps that call it as they would
//! through the door.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body};
use chassis::{
    access::{Gate, Gated, Role, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::Outbox,
    run::{self, Context, Meter},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use linju_gateway::{
    GatewayService,
    identity::{
        AccountName, Caller, ClientAddress, Identity, IdentitySettings, Refused,
        grants::{NewGrant, give},
    },
};
use linju_proto::gateway::v1::account_service_client::AccountServiceClient;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Status, metadata::MetadataMap, service::Routes};
use tonic_types::StatusExt;
use tower::{Layer, ServiceExt};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "three white cats in the sun";
pub(crate) const AREA: &str = "511903001008";

pub(crate) type Accounts = AccountServiceClient<Gated<Routes>>;

/// Identity on one database; gone with the value.
pub(crate) struct Office {
    pub(crate) identity: Identity,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) context: Context,
    pub(crate) verifier: TokenVerifier,
    pub(crate) accounts: Accounts,
    pub(crate) http: Router,
    folder: TempDir,
    _database: Option<test_servers::Database>,
}

/// 2026-11-23, 16:00 in China.
pub(crate) fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}

/// Settings of a test: hashes that cost little, and what is named.
pub(crate) fn settings(more: Value) -> Result<IdentitySettings> {
    let mut all = json!({ "hash_memory_kib": 64, "hash_passes": 1 });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    Ok(serde_json::from_value(all)?)
}

impl Office {
    /// The same on SQLite and on Postgres.
    pub(crate) async fn both(more: Value) -> Result<[Self; 2]> {
        Ok([Self::sqlite(more.clone()).await?, Self::postgres(more).await?])
    }

    pub(crate) async fn sqlite(more: Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("gateway.db"), &PoolSettings::default()).await?;
        Self::on(db, folder, None, more, Clock::fixed(morning())).await
    }

    /// An office whose clock stands at this moment, for what others' clocks must agree with.
    pub(crate) async fn now(more: Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("gateway.db"), &PoolSettings::default()).await?;
        Self::on(db, folder, None, more, Clock::fixed(Clock::system().now())).await
    }

    pub(crate) async fn postgres(more: Value) -> Result<Self> {
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Self::on(db, tempfile::tempdir()?, Some(database), more, Clock::fixed(morning())).await
    }

    async fn on(
        db: Db,
        folder: TempDir,
        database: Option<test_servers::Database>,
        more: Value,
        clock: Clock,
    ) -> Result<Self> {
        chassis::access::self_test()?;
        run::migrate(&db, &GatewayService).await?;
        let master = Arc::new(MasterKey::new_to_file(&folder.path().join("master.key"))?);
        let keys = Keyring::load(&db, master, Suite::Aes256Gcm, &clock).await?;
        let ids = Ids::seeded(clock.clone(), 1);
        let context = Context {
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            keys,
            outbox: Outbox::default(),
            message_bytes: 1 << 20,
            settings: Value::Null,
        };
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let identity = Identity::new(context.clone(), settings(more)?);
        identity.sign_with(TokenSigner::new(&key, clock.clone()));
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let gate = Gate::new(verifier.clone(), 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let accounts = AccountServiceClient::new(gate.layer(identity.routes(1 << 20)));
        let http = identity.http_routes();
        Ok(Self { identity, db, clock, ids, context, verifier, accounts, http, folder, _database: database })
    }

    /// Another copy of the gateway on the same database.
    pub(crate) fn another_copy(&self, more: Value) -> Result<Identity> {
        let key = SigningKey::from_file(&self.folder.path().join("token.key"))?;
        let identity = Identity::new(self.context.clone(), settings(more)?);
        identity.sign_with(TokenSigner::new(&key, self.clock.clone()));
        Ok(identity)
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        self.browser_at("192.0.2.1")
    }

    pub(crate) fn browser_at(&self, address: &str) -> Browser<'_> {
        let address = address.parse().expect("an address");
        Browser { office: self, cookies: BTreeMap::new(), csrf: String::new(), address }
    }

    /// An account that its owner has taken up.
    pub(crate) async fn person(&self, name: &str) -> Result<Uuid> {
        let invited = self.identity.console().invite(AccountName::new(name)?).await?;
        let mut browser = self.browser_at("192.0.2.200");
        let body = json!({ "invitation": invited.code, "new_password": PASSWORD });
        let answer = browser.post("/auth/sign-in", body).await?;
        ensure!(answer.status == StatusCode::OK, "{:?}", answer.body);
        browser.post("/auth/sign-out", json!({})).await?;
        Ok(invited.account.row.id)
    }

    /// As [`person`](Self::person), with a role.
    pub(crate) async fn person_as(&self, name: &str, role: Role) -> Result<Uuid> {
        let id = self.person(name).await?;
        self.grant(id, role).await?;
        Ok(id)
    }

    pub(crate) async fn grant(&self, account: Uuid, role: Role) -> Result<()> {
        let officer = matches!(role, Role::Operator | Role::SecurityAdmin | Role::Auditor);
        let grant = NewGrant {
            account,
            role,
            area: if officer { None } else { Some(AREA.parse()?) },
            unit: None,
            place: None,
            person: None,
            starts_at: self.clock.now(),
            ends_at: None,
            by: "test".to_owned(),
            reason: "test".to_owned(),
        };
        let (now, id) = (self.clock.now(), self.ids.next::<Uuid>());
        let written = self.db.write(move |tx| {
            let grant = grant.clone();
            Box::pin(async move { give(tx, id, now, grant).await })
        });
        Ok(written.await?)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// What a statement answers, as text, a row a line.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0).context("a text")).collect()
    }

    /// What the audit log says, without what tests do to begin.
    pub(crate) async fn audited(&self) -> Result<Vec<String>> {
        self.rows("SELECT who || ' ' || method || ' ' || fields || ' ' || subject FROM audit ORDER BY id").await
    }

    /// Sends a request to `/auth` as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Answer> {
        let response = self.http.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await?;
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Who a bearer token says calls.
    pub(crate) async fn bearer(&self, token: &str) -> Result<Caller, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).expect("a value"));
        self.who(&Method::GET, "/v1/incidents", headers).await
    }

    pub(crate) async fn who(&self, method: &Method, path: &str, headers: HeaderMap) -> Result<Caller, Refused> {
        self.identity.authenticate(&parts(method, path, headers), self.clock.now()).await
    }

    /// A gRPC request as the door hands it on.
    pub(crate) async fn stamped<T>(&self, headers: HeaderMap, message: T) -> Result<tonic::Request<T>, Status> {
        let path = "/linju.gateway.v1.AccountService/X";
        let caller = self.who(&Method::POST, path, headers.clone()).await?;
        let mut headers = headers;
        self.identity.stamp(&caller, &mut headers);
        Ok(tonic::Request::from_parts(MetadataMap::from_headers(headers), tonic::Extensions::default(), message))
    }
}

pub(crate) fn parts(method: &Method, path: &str, headers: HeaderMap) -> http::request::Parts {
    let mut request = Request::builder().method(method).uri(path).body(()).expect("a request");
    *request.headers_mut() = headers;
    request.into_parts().0
}

/// What `/auth` answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The reason of an error.
    pub(crate) fn reason(&self) -> &str {
        let details = self.body.get("details").and_then(Value::as_array);
        details.into_iter().flatten().find_map(|detail| detail.get("reason")?.as_str()).unwrap_or_default()
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser<'o> {
    office: &'o Office,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) csrf: String,
    address: IpAddr,
}

impl Browser<'_> {
    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Result<Answer> {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string()))?).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Request::get(path).body(Body::empty())?).await
    }

    /// Sends with cookies, CSRF token and address, and keeps what is answered, as a page would.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Result<Answer> {
        request.extensions_mut().insert(ClientAddress(self.address));
        request.headers_mut().extend(self.headers());
        let answer = self.office.send(request).await?;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = set.to_str()?.split_once(';').context("attributes")?;
            let (name, value) = pair.split_once('=').context("a pair")?;
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(csrf) = answer.body.get("csrf_token").and_then(Value::as_str) {
            csrf.clone_into(&mut self.csrf);
        }
        Ok(answer)
    }

    /// Cookies and CSRF token.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.cookies.is_empty() {
            let all: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.insert(header::COOKIE, all.join("; ").parse().expect("a value"));
        }
        if !self.csrf.is_empty() {
            headers.insert(HeaderName::from_static("x-csrf-token"), self.csrf.parse().expect("a value"));
        }
        headers
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Result<Answer> {
        self.post("/auth/sign-in", json!({ "name": name, "password": password })).await
    }

    /// Who the cookie says calls, for a read.
    pub(crate) async fn who(&self) -> Result<Caller, Refused> {
        self.office.who(&Method::GET, "/v1/incidents", self.headers()).await
    }

    /// A gRPC request of this browser's.
    pub(crate) async fn of<T>(&self, message: T) -> Result<tonic::Request<T>, Status> {
        self.office.stamped(self.headers(), message).await
    }
}

/// The reason in a refusal.
pub(crate) fn reason<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "it was done".to_owned(),
        Err(status) => status.get_details_error_info().map_or_else(|| status.to_string(), |info| info.reason),
    }
}
