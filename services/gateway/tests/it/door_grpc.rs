//! gRPC through the door.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use linju_proto::gateway::v1::{GetMeRequest, account_service_client::AccountServiceClient};
use serde_json::json;
use tonic::{
    Code, Request, Status,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;
use tower::ServiceExt as _;

use crate::ground::Gateway;

async fn channel(gateway: &Gateway) -> Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{}", gateway.at))?.connect().await?)
}

fn me() -> Request<GetMeRequest> {
    Request::new(GetMeRequest::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_checks_hold() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let mut accounts = AccountServiceClient::new(channel(&gateway).await?);
    let code = |answer: Result<_, Status>| answer.map_err(|status| status.code()).err();
    assert_eq!(code(accounts.get_me(me()).await), Some(Code::Unauthenticated));

    let mut lies = me();
    lies.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer x"));
    assert_eq!(code(accounts.get_me(lies).await), Some(Code::Unauthenticated));

    let mut strange = me();
    strange.metadata_mut().insert("grpc-timeout", MetadataValue::from_static("soon"));
    assert_eq!(code(accounts.get_me(strange).await), Some(Code::InvalidArgument));

    let mut capped = me();
    capped.metadata_mut().insert("grpc-timeout", MetadataValue::from_static("99999999H"));
    assert_eq!(code(accounts.get_me(capped).await), Some(Code::Unauthenticated));
    gateway.close().await
}

/// Nothing about the inside is told: neither by reflection nor by health.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_contract_does_not_exist() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let mut health = HealthClient::new(channel(&gateway).await?);
    let asked = health.check(HealthCheckRequest::default()).await;
    assert_eq!(asked.map_err(|status| status.code()).err(), Some(Code::Unimplemented));
    for path in ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/linju.gateway.v1.AccountService/Debug"]
    {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: door\r\nContent-Type: application/grpc-web\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0"
        );
        assert_eq!(gateway.says(request).await?.header("grpc-status"), "12", "{path}");
    }
    gateway.close().await
}

/// gRPC spoken to the program itself, past the door, needs the door's signature.
#[tokio::test(flavor = "multi_thread")]
async fn past_the_door_nobody_is_known() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let direct = Endpoint::from_shared(format!("http://{}", gateway.grpc))?.connect().await?;
    let refused = AccountServiceClient::new(direct).get_me(me()).await;
    assert_eq!(refused.map_err(|status| status.code()).err(), Some(Code::Unauthenticated));
    gateway.close().await
}

/// Whoever frames messages wrongly is told that it is theirs, and not that the server has a fault.
#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_the_callers_fault() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let channel = channel(&gateway).await?;
    for (what, body) in [
        ("an unknown flag", vec![2, 0, 0, 0, 0]),
        ("half a head", vec![0, 0]),
        ("half a message", vec![0, 0, 0, 0, 9, 1]),
        ("no message", vec![]),
        ("no protobuf", vec![0, 0, 0, 0, 2, 0xff, 0xff]),
    ] {
        let request = http::Request::post("/linju.gateway.v1.GrantService/GetMyAccess")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(tonic::body::Body::new(Full::new(Bytes::from(body))))?;
        let response = channel.clone().oneshot(request).await?;
        let status = Status::from_header_map(response.headers()).context(what)?;
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        assert_eq!(
            (status.code(), reason.as_str()),
            (Code::InvalidArgument, "MALFORMED_MESSAGE"),
            "{what}: {status:?}"
        );
    }
    gateway.close().await
}
