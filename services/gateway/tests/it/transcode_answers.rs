//! Answers: JSON, streams, etags and refusals.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Body;
use bytes::Bytes;
use chassis::Fault;
use http::Request;
use http_body_util::BodyExt;
use linju_gateway::transcode::Limits;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::transcode_echo::{Ground, Reply, framed};

#[tokio::test]
async fn one_field_may_be_the_answer() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    assert_eq!(ground.get("/v1/things/1/tags?tags=a&tags=b").await?.json()?, json!(["a", "b"]));
    assert_eq!(ground.get("/v1/things/1/tags").await?.json()?, json!([]));
    Ok(())
}

#[tokio::test]
async fn head_is_get_without_its_body() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let get = ground.get("/v1/things/1").await?;
    let head = ground.send(Request::head("/v1/things/1").body(Body::empty())?).await?;
    assert_eq!((head.code, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(get.text.len().to_string().as_str()));
    assert_eq!(head.header("content-type"), Some("application/json"));
    Ok(())
}

#[tokio::test]
async fn etags_are_headers() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let read = |known: &str| Request::get("/v1/things/1?etag=v1").header("if-none-match", known).body(Body::empty());
    let got = ground.send(read("\"v0\"")?).await?;
    assert_eq!((got.code, got.header("etag")), (200, Some("\"v1\"")));
    for known in ["\"v1\"", "W/\"v1\"", "\"v0\", \"v1\"", "*"] {
        let got = ground.send(read(known)?).await?;
        assert_eq!((got.code, got.header("etag"), got.text.as_str()), (304, Some("\"v1\""), ""), "{known}");
    }
    assert_eq!(ground.get("/v1/things/1").await?.header("etag"), None);
    assert_eq!(ground.get("/v1/things/1?etag=%22%0a").await?.header("etag"), None);
    Ok(())
}

#[tokio::test]
async fn if_match_fills_the_requests_etag() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let send = |path: &str, method: &str, etag: &str, body: &str| {
        let request = Request::builder().method(method).uri(path).header("if-match", etag);
        request.header("content-type", "application/json").body(Body::from(body.to_owned()))
    };
    let got = ground.send(send("/v1/things/1:move", "POST", "\"v1\"", "{}")?).await?;
    assert_eq!(got.json()?, json!({ "id": "1", "etag": "v1" }));
    let got = ground.send(send("/v1/parts/1", "PATCH", "W/\"v1\"", "{}")?).await?;
    // The echo reads the request as a thing: its field 1 is the part's bytes.
    assert_eq!(got.code, 200);
    assert!(got.text.contains("v1"), "{}", got.text);
    let got = ground.send(send("/v1/things/1:move", "POST", "*", "{}")?).await?;
    assert_eq!(got.json()?, json!({ "id": "1" }));
    let got = ground.send(send("/v1/things/1:move", "POST", "\"v1\"", r#"{"etag":"v1"}"#)?).await?;
    assert_eq!(got.code, 200);
    for (etag, body) in [("\"v1\"", r#"{"etag":"v2"}"#), ("v1", "{}"), ("\"v1\", \"v2\"", "{}")] {
        let got = ground.send(send("/v1/things/1:move", "POST", etag, body)?).await?;
        assert_eq!((got.code, got.wrong()?), (400, vec!["If-Match header.if_match".to_owned()]), "{etag} {body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_condition_is_told_from_other_conflicts() -> Result<()> {
    let ground = Ground::new(Reply::Fail(chassis::status(&Fault::StaleEtag)))?;
    let request = Request::post("/v1/things/1:move").header("if-match", "\"v1\"").body(Body::empty())?;
    assert_eq!(ground.send(request).await?.code, 412);
    assert_eq!(ground.json("POST", "/v1/things/1:move", r#"{"etag":"v1"}"#).await?.code, 409);
    let ground = Ground::new(Reply::Fail(Status::aborted("again")))?;
    let request = Request::post("/v1/things/1:move").header("if-match", "\"v1\"").body(Body::empty())?;
    assert_eq!(ground.send(request).await?.code, 409);
    Ok(())
}

#[tokio::test]
async fn a_status_has_its_http_code_and_details() -> Result<()> {
    for (code, want) in [
        (Code::Cancelled, 499),
        (Code::Unknown, 500),
        (Code::InvalidArgument, 400),
        (Code::DeadlineExceeded, 504),
        (Code::NotFound, 404),
        (Code::AlreadyExists, 409),
        (Code::PermissionDenied, 403),
        (Code::ResourceExhausted, 429),
        (Code::FailedPrecondition, 400),
        (Code::Aborted, 409),
        (Code::OutOfRange, 400),
        (Code::Unimplemented, 501),
        (Code::Internal, 500),
        (Code::Unavailable, 503),
        (Code::DataLoss, 500),
        (Code::Unauthenticated, 401),
    ] {
        let got = Ground::new(Reply::Fail(Status::new(code, "张 says no")))?.get("/v1/things/1").await?;
        assert_eq!(got.code, want, "{code:?}");
        assert_eq!(got.json()?, json!({ "code": i32::from(code), "message": "张 says no" }));
        assert_eq!(got.header("www-authenticate"), (want == 401).then_some("Bearer"));
    }
    let mut details = ErrorDetails::with_error_info("BUSY", "linju", [("queue".to_owned(), "7".to_owned())]);
    details.add_bad_request_violation("name", "is missing").set_retry_info(Some(Duration::from_millis(1500)));
    details.set_help(vec![tonic_types::HelpLink::new("read", "https://example.org")]);
    let status = Status::with_error_details(Code::Unavailable, "later", details);
    let got = Ground::new(Reply::Fail(status))?.get("/v1/things/1").await?;
    assert_eq!(got.header("retry-after"), Some("2"));
    let details = got.json()?["details"].clone();
    let of = |name: &str| -> Result<Value> {
        let name = format!("type.googleapis.com/google.rpc.{name}");
        details.as_array().and_then(|all| all.iter().find(|d| d["@type"] == *name)).cloned().context(name)
    };
    assert_eq!(of("ErrorInfo")?["metadata"], json!({ "queue": "7" }));
    assert_eq!(of("RetryInfo")?["retryDelay"], "1.500s");
    assert_eq!(of("BadRequest")?["fieldViolations"][0]["field"], "name");
    assert!(of("Help")?["value"].is_string());
    Ok(())
}

#[tokio::test]
async fn answers_are_not_taken_as_they_come() -> Result<()> {
    let limits = Limits { answer: 8, ..Limits::default() };
    let raw = |bytes: Bytes| Ground::limited(Reply::Raw(bytes), limits);
    let long = raw(framed(b"\x0a\x07seventy"))?.get("/v1/things/1").await?;
    assert_eq!((long.code, long.json()?["details"][0]["reason"].clone()), (400, "ANSWER_TOO_LARGE".into()));
    for (bytes, code) in [
        (Bytes::from_static(b"\x01\0\0\0\0"), 500),
        (framed(b"\x0a\x7f"), 500),
        (Bytes::from_static(b"\0\0\0\0\x03\x0a"), 503),
        (Bytes::new(), 503),
        (framed(b""), 200),
    ] {
        let got = raw(bytes.clone())?.get("/v1/things/1").await?;
        assert_eq!(got.code, code, "{bytes:?}");
    }
    let broken = Ground::new(Reply::Stream(1, None))?.get("/v1/things/1").await?;
    assert_eq!(broken.code, 503, "an answer without its end");
    Ok(())
}

async fn follow(ground: &Ground, accept: &str, last: Option<&str>) -> Result<crate::transcode_echo::Got> {
    let mut request = Request::get("/v1/things:follow?eventId=e7&after=e1").header("accept", accept);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    ground.send(request.body(Body::empty())?).await
}

#[tokio::test]
async fn a_stream_is_lines_or_events() -> Result<()> {
    let ground = Ground::new(Reply::Stream(2, Some(Status::ok(""))))?;
    let got = follow(&ground, "*/*", None).await?;
    assert_eq!(got.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(got.text, "{\"after\":\"e1\",\"eventId\":\"e7\"}\n".repeat(2));
    let got = follow(&ground, "text/event-stream", Some("e5")).await?;
    assert_eq!(got.header("content-type"), Some("text/event-stream"));
    assert_eq!(got.text, "id: e7\ndata: {\"after\":\"e5\",\"eventId\":\"e7\"}\n\n".repeat(2));
    assert_eq!(follow(&ground, "application/json", None).await?.code, 406);
    Ok(())
}

#[tokio::test]
async fn an_error_in_mid_stream_is_its_last_word() -> Result<()> {
    let ground = Ground::new(Reply::Stream(1, Some(Status::unavailable("later"))))?;
    let got = follow(&ground, "*/*", None).await?;
    let last: Value = serde_json::from_str(got.text.lines().last().context("a line")?)?;
    assert_eq!(last, json!({ "error": { "code": 14, "message": "later" } }));
    let got = follow(&ground, "text/event-stream", None).await?;
    assert!(got.text.ends_with("event: error\ndata: {\"code\":14,\"message\":\"later\"}\n\n"), "{}", got.text);
    let got = follow(&Ground::new(Reply::Stream(1, None))?, "*/*", None).await?;
    assert!(got.text.contains("ANSWER_BROKE_OFF"), "{}", got.text);
    let got = follow(&Ground::new(Reply::Fail(Status::permission_denied("no")))?, "*/*", None).await?;
    assert_eq!((got.code, got.header("content-type")), (403, Some("application/json")));
    Ok(())
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive() -> Result<()> {
    let limits = Limits { keep_alive: Duration::from_millis(5), ..Limits::default() };
    let ground = Ground::limited(Reply::Quiet, limits)?;
    let request = Request::get("/v1/things:follow").header("accept", "text/event-stream").body(Body::empty())?;
    let mut body = ground.response(request).await.into_body();
    let mut pieces = Vec::new();
    while pieces.len() < 3 {
        let frame = body.frame().await.context("a piece")??;
        pieces.push(frame.into_data().unwrap_or_default());
    }
    assert_eq!(pieces, ["data: {}\n\n", ": keep-alive\n\n", ": keep-alive\n\n"]);
    Ok(())
}
