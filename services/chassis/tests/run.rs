//! The program around a service: settings, start, health, shutdown, channels.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{net::SocketAddr, path::Path, time::Duration};

use chassis::{
    data::{MasterKey, SealedColumn},
    events::SharedBus,
    run::{BadSettings, Context, Parts, Running, Service, Settings, StartError, Tasks, follow, start},
};
use linju_proto::residents::v1::area_service_client::AreaServiceClient;
use sea_orm_migration::MigrationTrait;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

/// A service without a method of its own.
struct Idle;

impl Service for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        Vec::new()
    }

    fn build(&self, _: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        Ok(Parts::default())
    }
}

fn settings(folder: &TempDir) -> Settings {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut settings =
        Settings { data_dir: folder.path().to_owned(), listen: any, observe: any, ..Settings::default() };
    settings.shutdown.deadline_s = 3;
    settings
}

async fn running() -> (TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let running = start(settings(&folder), &[&Idle]).await.unwrap();
    (folder, running)
}

async fn client(at: SocketAddr) -> HealthClient<Channel> {
    HealthClient::new(Channel::from_shared(format!("http://{at}")).unwrap().connect().await.unwrap())
}

async fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_healthy_while_it_serves() {
    let (_folder, running) = running().await;
    let mut health = client(running.grpc).await;
    for service in ["", "idle"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    assert!(get(running.observe, "/healthz/live").await.starts_with("HTTP/1.1 200"));
    assert!(get(running.observe, "/healthz/ready").await.starts_with("HTTP/1.1 200"));
    assert!(get(running.observe, "/metrics").await.starts_with("HTTP/1.1 200"));
    assert!(get(running.observe, "/else").await.starts_with("HTTP/1.1 404"));
    assert!(running.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_do_not_hold_up_the_end() {
    let (_folder, running) = running().await;
    let silent = TcpStream::connect(running.grpc).await.unwrap();
    let silent_http = TcpStream::connect(running.observe).await.unwrap();
    let mut idle = client(running.grpc).await;
    idle.check(HealthCheckRequest::default()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(4), running.stop()).await;
    assert!(ended.is_ok(), "the deadline is 3 s");
    drop((silent, silent_http));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_says_that_the_address_is_taken() {
    let (_folder, first) = running().await;
    let folder = tempfile::tempdir().unwrap();
    let refused = start(Settings { listen: first.grpc, ..settings(&folder) }, &[&Idle]).await.unwrap_err();
    assert!(matches!(refused, StartError::Listen(..)));
    assert!(refused.to_string().contains("is another copy running?"), "{refused}");
    assert!(first.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_refused_and_nothing_is_changed() {
    let (folder, first) = running().await;
    assert!(first.stop().await);
    let key = folder.path().join("master.key");
    let right = std::fs::read(&key).unwrap();

    std::fs::remove_file(&key).unwrap();
    let refused = start(settings(&folder), &[&Idle]).await.unwrap_err();
    assert!(refused.to_string().contains("restore it from your copy"), "{refused}");
    assert!(!key.exists(), "no other key is made beside the data");

    MasterKey::new_to_file(&key).unwrap();
    let refused = start(settings(&folder), &[&Idle]).await.unwrap_err();
    assert!(refused.to_string().contains("the master key does not open this database's keys"), "{refused}");
    std::fs::write(&key, right).unwrap();
    assert!(start(settings(&folder), &[&Idle]).await.unwrap().stop().await);
}

#[test]
fn settings_come_from_defaults_then_the_file_then_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("linju.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Settings::read(Some(&file))
    };
    assert_eq!(Settings::read(None).unwrap().limits.calls, Settings::default().limits.calls);
    let settings = read("listen = '127.0.0.1:1'\n[limits]\ncalls = 7\n[bus.nats]\nurl = 'nats://127.0.0.1:2'").unwrap();
    assert_eq!((settings.listen.port(), settings.limits.calls), (1, 7));
    assert_eq!(settings.database_url("a"), "sqlite:linju-data/a.db");
    assert_eq!(settings.bus.nats.unwrap().url, "nats://127.0.0.1:2");
    for (text, said) in [
        ("lisen = '127.0.0.1:1'", "lisen"),
        ("[limits]\ncalls = 'many'", "calls"),
        ("database.url = 'mysql://x/{service}'", "must start with postgres://"),
        ("database.url = 'postgres://x/linju'", "must hold {service}"),
        ("= 1", "cannot be used"),
    ] {
        let refused = read(text).unwrap_err().to_string();
        assert!(refused.contains(said), "{text}: {refused}");
    }
    let missing = Settings::read(Some(Path::new("/nowhere.toml"))).unwrap_err().to_string();
    assert!(missing.contains("there is no configuration file /nowhere.toml"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_finds_its_service_by_name() {
    let (_folder, running) = running().await;
    let tasks = Tasks::default();
    let channel = follow(format!("localhost:{}", running.grpc.port()), &tasks);
    let mut health = HealthClient::new(channel);
    let answer = tokio::time::timeout(Duration::from_secs(10), health.check(HealthCheckRequest::default())).await;
    assert_eq!(answer.unwrap().unwrap().into_inner().status(), ServingStatus::Serving);
    tasks.stop();
    assert!(tasks.wait(Duration::from_secs(1)).await);
    assert!(running.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_too_many_is_told_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&folder);
    settings.limits.calls = 0;
    let running = start(settings, &[&Idle]).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap();
    let request = linju_proto::residents::v1::GetAreaRequest { code: "511903".to_owned() };
    let refused = AreaServiceClient::new(channel).get_area(request).await.unwrap_err();
    let details = refused.get_error_details();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    // Whoever asks whether it lives is let in all the same.
    assert!(client(running.grpc).await.check(HealthCheckRequest::default()).await.is_ok());
    assert!(running.stop().await);
}
