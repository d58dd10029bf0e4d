//! What every answer of the door has, and in which language it comes.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::ground::{Answer, Gateway};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded_and_named() -> Result<()> {
    let gateway = Gateway::open(json!({ "trusted_proxies": "127.0.0.1" })).await?;
    for path in ["/", "/v1/nothing", "/auth/nothing"] {
        let answer = gateway.gets(path, "").await?;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {answer:?}");
        }
        let trace = answer.header("traceparent");
        assert_eq!((trace.len(), answer.header("x-request-id")), (55, &trace[3..35]), "{answer:?}");
    }
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = gateway.gets("/", &format!("traceparent: {given}\r\nx-request-id: r-1\r\n")).await?;
    assert_eq!((answer.header("traceparent"), answer.header("x-request-id")), (given, "r-1"));
    let answer = gateway.gets("/", "x-forwarded-proto: https\r\n").await?;
    assert!(answer.header("strict-transport-security").starts_with("max-age="), "{answer:?}");
    gateway.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_origins_of_the_list_may_read() -> Result<()> {
    let gateway = Gateway::open(json!({ "origins": "https://desk.example.org" })).await?;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /v1/x HTTP/1.1\r\nHost: door\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: PATCH\r\n\r\n"
        )
    };
    let allowed = gateway.says(preflight("https://desk.example.org")).await?;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://desk.example.org");
    let foreign = gateway.says(preflight("https://evil.example")).await?;
    assert_eq!(foreign.header("access-control-allow-origin"), "", "{foreign:?}");

    let read = gateway.gets("/v1/x", "Origin: https://desk.example.org\r\n").await?;
    let shown = read.header("access-control-expose-headers");
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin", "etag", "ratelimit", "retry-after"] {
        assert!(shown.split(", ").any(|n| n == name), "{name} in {shown}");
    }
    let foreign = gateway.gets("/v1/x", "Origin: https://evil.example\r\n").await?;
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    assert_eq!(foreign.header("vary"), "origin", "caches keep both apart");
    gateway.close().await
}

fn web(path: &str, content: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: door\r\nContent-Type: {content}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A refusal of gRPC-Web stands in its headers.
#[tokio::test(flavor = "multi_thread")]
async fn grpc_web_is_answered_in_its_own_words() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let me = "/linju.gateway.v1.AccountService/GetMe";
    for (content, body, answered) in [
        ("application/grpc-web+proto", &b"\0\0\0\0\0"[..], "application/grpc-web+proto"),
        ("application/grpc-web-text", b"AAAAAAA=", "application/grpc-web-text+proto"),
    ] {
        let answer = gateway.says(web(me, content, body)).await?;
        assert_eq!((answer.status, answer.header("content-type")), (200, answered), "{answer:?}");
        assert_eq!(answer.header("grpc-status"), "16", "{answer:?}");
        assert!(answer.body.is_empty());
    }
    let wrong = gateway.says(web(me, "application/grpc-web-text", b"####")).await?;
    assert_eq!(wrong.header("grpc-status"), "3", "{wrong:?}");
    let cut = gateway.says(web(me, "application/grpc-web", b"\0\0\0\0\x05a")).await?;
    assert_eq!(cut.header("grpc-status"), "3", "the caller's fault: {cut:?}");
    let unknown = gateway.says(web("/linju.nothing.v1.X/Y", "application/grpc-web", b"\0\0\0\0\0")).await?;
    assert_eq!(unknown.header("grpc-status"), "12", "{unknown:?}");
    let native = gateway.says(web(me, "application/grpc", b"\0\0\0\0\0")).await?;
    assert_eq!(native.header("grpc-status"), "12", "gRPC over HTTP/1.1: {native:?}");
    gateway.close().await
}

fn often(answers: &[Answer]) -> Result<&Answer> {
    answers.iter().find(|answer| answer.status == 429).context("nobody was refused")
}

/// One address is told how much is left, and what to do when nothing is; another address has its own.
#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_and_kept() -> Result<()> {
    let rates = json!({ "anonymous": { "calls": 3, "seconds": 3600 } });
    let gateway = Gateway::open(json!({ "rates": rates, "trusted_proxies": "127.0.0.1" })).await?;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(gateway.gets("/v1/x", "X-Forwarded-For: 198.51.100.7\r\n").await?);
    }
    assert_eq!(answers[0].header("ratelimit-policy"), "\"anonymous\";q=3;w=3600");
    assert_eq!(answers[0].header("ratelimit"), "\"anonymous\";r=2;t=1200");
    assert_eq!(answers.iter().filter(|answer| answer.status == 404).count(), 3);
    let refused = often(&answers)?;
    assert_eq!(refused.reason()?, "TOO_OFTEN");
    let wait: u32 = refused.header("retry-after").parse()?;
    assert!((1..=1_200).contains(&wait), "{refused:?}");

    let grpc = web("/linju.gateway.v1.AccountService/GetMe", "application/grpc-web", b"\0\0\0\0\0");
    let text = String::from_utf8(grpc)?.replace("Host: door", "Host: door\r\nX-Forwarded-For: 198.51.100.7");
    let refused = gateway.says(text).await?;
    assert_eq!(refused.header("grpc-status"), "8", "{refused:?}");

    assert_eq!(gateway.gets("/v1/x", "X-Forwarded-For: 198.51.100.8\r\n").await?.status, 404, "another one");
    gateway.close().await
}

/// Who is nobody's proxy cannot choose its address.
#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_is_believed_of_trusted_proxies_alone() -> Result<()> {
    let rates = json!({ "anonymous": { "calls": 2, "seconds": 3600 } });
    let gateway = Gateway::open(json!({ "rates": rates })).await?;
    let mut answers = Vec::new();
    for n in 0..3 {
        answers.push(
            gateway.gets("/v1/x", &format!("X-Forwarded-For: 198.51.100.{n}\r\nX-Real-IP: 10.0.0.{n}\r\n")).await?,
        );
    }
    often(&answers)?;
    gateway.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_come_compressed() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let plain = gateway.gets("/openapi.json", "").await?;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{}", plain.head);
    for coding in ["gzip", "zstd"] {
        let packed = gateway.gets("/openapi.json", &format!("Accept-Encoding: {coding}\r\n")).await?;
        assert_eq!(packed.header("content-encoding"), coding, "{}", packed.head);
        assert!(packed.body.len() * 3 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
    }
    gateway.close().await
}
