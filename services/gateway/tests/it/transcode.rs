//! Requests: which method is called with which message.

use anyhow::{Context as _, Result};
use axum::body::Body;
use http::Request;
use linju_gateway::transcode::{BadContract, Limits, Transcoder};
use serde_json::{Value, json};

use crate::transcode_echo::{Ground, Reply, descriptors};

#[tokio::test]
async fn paths_choose_the_method_and_fill_the_request() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let cases = [
        ("GET", "/v1/things/a%2Fb%20c", "Get", json!({ "id": "a/b c" })),
        ("DELETE", "/v1/things/7", "Get", json!({ "id": "7" })),
        ("GET", "/v1/rooms/1/things/a%2Fb", "Get", json!({ "id": "rooms/1/things/a%2Fb" })),
        ("GET", "/v1/files/x/y/z", "Get", json!({ "id": "x/y/z" })),
        ("GET", "/v1/files", "Get", json!({})),
        ("GET", "/v1/things/a:b", "Get", json!({ "id": "a:b" })),
        ("GET", "/v1/things/a:move", "Get", json!({ "id": "a:move" })),
        ("POST", "/v1/things/a:b:move", "Move", json!({ "id": "a:b" })),
        ("SEARCH", "/v1/things?tags=x", "Search", json!({ "tags": ["x"] })),
        (
            "GET",
            "/v1/colors/COLOR_RED/things/18446744073709551615",
            "ByColor",
            json!({ "color": "COLOR_RED", "big": "18446744073709551615" }),
        ),
        ("GET", "/v1/colors/2/things/1", "ByColor", json!({ "color": "COLOR_GREEN", "big": "1" })),
        ("GET", "/v1/things/%E5%BC%A0", "Get", json!({ "id": "张" })),
    ];
    for (method, path, called, want) in cases {
        let got = ground.send(Request::builder().method(method).uri(path).body(Body::empty())?).await?;
        assert_eq!((got.code, got.json()?), (200, want), "{method} {path}");
        let last = ground.called().pop().context("a call")?.0;
        assert_eq!(last, format!("/echo.v1.EchoService/{called}"), "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    for path in
        ["/", "/v1", "/v1/things/", "/v1/things/a/b", "/v1//a", "/v1/hidden", "/V1/things/a", "/v1/things:nothing"]
    {
        assert_eq!(ground.get(path).await?.code, 404, "{path}");
    }
    for (method, path, allow) in [
        ("POST", "/v1/things/a", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/v1/things", "POST, SEARCH"),
        ("PUT", "/v1/things/a:move", "DELETE, GET, HEAD, PATCH, POST"),
    ] {
        let got = ground.send(Request::builder().method(method).uri(path).body(Body::empty())?).await?;
        assert_eq!((got.code, got.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    assert!(ground.called().is_empty());
    Ok(())
}

#[tokio::test]
async fn queries_fill_every_kind_of_field() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let cases = [
        ("tags=a+b&tags=c%26d&", json!({ "tags": ["a b", "c&d"] })),
        ("part.fullName=x&part.part.count=-3", json!({ "part": { "fullName": "x", "part": { "count": -3 } } })),
        ("part.full_name=x", json!({ "part": { "fullName": "x" } })),
        ("number=-9", json!({ "number": "-9" })),
        (
            "color=COLOR_GREEN&colors=1&colors=COLOR_GREEN",
            json!({ "color": "COLOR_GREEN", "colors": ["COLOR_RED", "COLOR_GREEN"] }),
        ),
        (
            "happenedAt=2026-11-23T08:00:00.5Z&waited=1.5s",
            json!({ "happenedAt": "2026-11-23T08:00:00.500Z", "waited": "1.500s" }),
        ),
        ("label=&sure=true", json!({ "label": "", "sure": true })),
        ("flag=true&ratio=0.25&raw=-_8", json!({ "flag": true, "ratio": 0.25, "raw": "+/8=" })),
        ("updateMask=part.fullName,tags", json!({ "updateMask": "part.fullName,tags" })),
        ("update_mask=part.full_name%2Ctags", json!({ "updateMask": "part.fullName,tags" })),
        ("maybe=0", json!({ "maybe": 0 })),
        ("text=", json!({ "text": "" })),
    ];
    for (query, want) in cases {
        let got = ground.get(&format!("/v1/things/1?{query}")).await?;
        let mut want = want;
        want["id"] = "1".into();
        assert_eq!((got.code, got.json()?), (200, want), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn wrong_queries_are_named() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    for (query, want) in [
        ("nothing=1", "nothing query.unknown"),
        ("part.nothing=1", "part.nothing query.unknown"),
        ("tags.x=1", "tags.x query.unknown"),
        ("happenedAt.seconds=1", "happenedAt.seconds query.unknown"),
        ("flag=1", "flag query.value"),
        ("color=RED", "color query.value"),
        ("part=x", "part query.value"),
        ("parts=x", "parts query.value"),
        ("counts=x", "counts query.value"),
        ("free=%7B%7D", "free query.value"),
        ("maybe=1&maybe=2", "maybe query.duplicate"),
        ("happenedAt=1&happened_at=2", "happenedAt query.value"),
        ("eventId=1&event_id=2", "event_id query.duplicate"),
        ("text=a&number=1", "number query.value"),
        ("id=2", "id query.elsewhere"),
        ("text=%ff", "text query.escape"),
        ("text=%2", "text query.escape"),
        ("part.part.part.part.part.part.part.part.id=x", "part.part.part.part.part.part.part.part.id query.depth"),
        ("happenedAt=yesterday", "happenedAt query.value"),
        ("waited=5", "waited query.value"),
        ("big=-1", "big query.value"),
        ("raw=%3F", "raw query.value"),
    ] {
        let got = ground.get(&format!("/v1/things/1?{query}")).await?;
        assert_eq!((got.code, got.wrong()?), (400, vec![want.to_owned()]), "{query}");
    }
    let many = "tags=x&".repeat(501);
    assert_eq!(ground.get(&format!("/v1/things/1?{many}")).await?.wrong()?, ["query query.parameters"]);
    assert!(ground.called().is_empty());
    Ok(())
}

#[tokio::test]
async fn bodies_are_canonical_json() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let whole = json!({
        "id": "1", "part": { "part": { "count": 1 } }, "tags": ["a", ""], "text": "x", "counts": { "a": 1, "": -1 },
        "label": "", "sure": false, "happenedAt": "2026-11-23T08:00:00Z", "waited": "-0.500s",
        "updateMask": "part.fullName", "color": "COLOR_RED", "colors": ["COLOR_UNSPECIFIED"], "raw": "/w==", "flag": true,
        "ratio": "-Infinity", "parts": [{}, { "id": "2" }], "big": "18446744073709551615", "maybe": 0,
        "free": { "a": [1.5, null, { "b": true }] }, "any": null, "byNumber": { "-1": { "count": 2 } },
    });
    let got = ground.json("POST", "/v1/things", &whole.to_string()).await?;
    assert_eq!((got.code, got.json()?), (200, whole));
    for (body, want) in [
        (r#"{"happened_at":"2026-11-23T16:00:00+08:00"}"#, json!({ "happenedAt": "2026-11-23T08:00:00Z" })),
        (
            r#"{"big":7,"number":"-8","maybe":1.0,"color":2}"#,
            json!({ "big": "7", "number": "-8", "maybe": 1, "color": "COLOR_GREEN" }),
        ),
        (r#"{"id":null,"tags":null,"part":null}"#, json!({})),
        ("", json!({})),
    ] {
        let got = ground.json("POST", "/v1/things", body).await?;
        assert_eq!((got.code, got.json()?), (200, want), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let deep = r#"{"part":"#.repeat(70) + "{}" + &"}".repeat(70);
    for (body, want) in [
        (
            r#"{"nothing":1,"part":{"nor":{"this":[1]}},"parts":[{},{"x":1}]}"#,
            "nothing json.unknown_field, part.nor json.unknown_field, parts[1].x json.unknown_field",
        ),
        (r#"{"id":"a","id":"a"}"#, "id json.duplicate"),
        (r#"{"eventId":"a","event_id":"a"}"#, "event_id json.duplicate"),
        (r#"{"counts":{"a":1,"a":2}}"#, "counts[\\a\\] json.duplicate"),
        (r#"{"free":{"a":{"b":1,"b":2}}}"#, "free json.type"),
        (r#"{"text":"a","number":1}"#, "number json.oneof"),
        (r#"{"maybe":"x"}"#, "maybe json.type"),
        (r#"{"maybe":2147483648}"#, "maybe json.type"),
        (r#"{"color":"RED"}"#, "color json.type"),
        (r#"{"tags":["a",1]}"#, "tags[1] json.type"),
        (r#"{"tags":["a",null]}"#, "tags[1] json.type"),
        (r#"{"tags":"a"}"#, "tags json.type"),
        (r#"{"part":[]}"#, "part json.type"),
        (r#"{"byNumber":{"x":{}}}"#, "by_number[\\x\\] json.type"),
        (r#"{"happenedAt":"2026-13-01T00:00:00Z"}"#, "happened_at json.type"),
        (r#"{"updateMask":"full_name"}"#, "update_mask json.type"),
        ("[]", "body json.type"),
        ("null", "body json.type"),
        (&deep, &format!("{} json.depth", vec!["part"; 65].join("."))),
    ] {
        let got = ground.json("POST", "/v1/things", body).await?;
        assert_eq!((got.code, got.wrong()?.join(", ")), (400, want.to_owned()), "{body}");
    }
    for body in ["{", "{]", "{\"id\":\"\u{1}\"}", "{} {}", "\u{feff}{}", "{'id':1}", "{\"id\":\"a\",}"] {
        let got = ground.json("POST", "/v1/things", body).await?;
        assert_eq!((got.code, reason(&got.json()?)), (400, "MALFORMED_JSON".to_owned()), "{body}");
    }
    assert!(ground.called().is_empty());
    Ok(())
}

fn reason(status: &Value) -> String {
    status["details"][0]["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_may_be_one_field() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let got = ground.json("PATCH", "/v1/things/7?updateMask=fullName", r#"{"fullName":"x"}"#).await?;
    assert_eq!(got.json()?, json!({ "part": { "id": "7", "fullName": "x" }, "updateMask": "fullName" }));
    // An empty mask stays empty: the service takes every field that is set.
    let got = ground.json("PATCH", "/v1/things/7", r#"{"fullName":"x"}"#).await?;
    assert_eq!(got.json()?, json!({ "part": { "id": "7", "fullName": "x" } }));
    let got = ground.json("PATCH", "/v1/things/7", r#"{"nothing":"x"}"#).await?;
    assert_eq!(got.wrong()?, ["part.nothing json.unknown_field"]);
    let got = ground.json("PATCH", "/v1/things/7?part.count=1", "{}").await?;
    assert_eq!(got.wrong()?, ["part.count query.elsewhere"]);
    let got = ground.json("POST", "/v1/counts", r#"{"a":1}"#).await?;
    assert_eq!((got.code, got.json()?), (200, json!({ "a": 1 })));
    Ok(())
}

#[tokio::test]
async fn the_path_and_the_body_may_not_differ() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let got = ground.json("POST", "/v1/things/7:move", r#"{"id":"7","flag":true}"#).await?;
    assert_eq!(got.json()?, json!({ "id": "7", "flag": true }));
    let got = ground.json("POST", "/v1/things/7:move", r#"{"id":"8"}"#).await?;
    assert_eq!((got.code, got.wrong()?), (400, vec!["id path.value".to_owned()]));
    for path in ["/v1/things/%ff", "/v1/things/%2", "/v1/colors/BLUE/things/1"] {
        assert_eq!(ground.get(path).await?.wrong()?.len(), 1, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn only_json_within_the_limit_is_read() -> Result<()> {
    let ground = Ground::limited(Reply::Echo, Limits { body: 20, ..Limits::default() })?;
    let send = |content: Option<&str>, coding: Option<&str>, body: &str| {
        let mut request = Request::post("/v1/things");
        for (name, value) in [("content-type", content), ("content-encoding", coding)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.body(Body::from(body.to_owned()))
    };
    let json = Some("application/json");
    for (content, coding, body, code) in [
        (json, None, r#"{"id":"12345678901"}"#, 200),
        (json, None, r#"{"id":"123456789012"}"#, 413),
        (json, Some("identity"), "{}", 200),
        (json, Some("br"), "{}", 415),
        (None, None, "{}", 415),
        (None, None, "", 200),
        (Some("text/plain"), None, "{}", 415),
    ] {
        let got = ground.send(send(content, coding, body)?).await?;
        assert_eq!(got.code, code, "{content:?} {coding:?} {body}");
    }
    let request = Request::get("/v1/things/1").header("content-type", "application/json").body(Body::from("{}"))?;
    assert_eq!(ground.send(request).await?.wrong()?, ["body body.none"]);
    Ok(())
}

#[tokio::test]
async fn only_named_headers_are_passed_on() -> Result<()> {
    let ground = Ground::new(Reply::Echo)?;
    let mut request = Request::get("/v1/things/1");
    for name in
        ["authorization", "linju-purpose", "traceparent", "grpc-timeout", "cookie", "grpc-metadata-x", "x-user-id"]
    {
        request = request.header(name, "1S");
    }
    ground.send(request.body(Body::empty())?).await?;
    let (_, headers) = ground.called().pop().context("a call")?;
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "content-type", "grpc-timeout", "linju-purpose", "te", "traceparent"]);
    Ok(())
}

#[test]
fn contracts_that_cannot_be_served_are_refused() -> Result<()> {
    let contract = |rules: &str| -> Result<Result<Transcoder, BadContract>> {
        let text = format!(
            "syntax = \"proto3\"; package bad.v1; import \"google/api/annotations.proto\"; service S {{ {rules} }} \
             message M {{ string id = 1; M m = 2; repeated string many = 3; }}"
        );
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("bad.proto"), text)?;
        let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
        let mut compiler = protox::Compiler::new([folder.path(), contracts.as_ref()])?;
        compiler.include_imports(true).open_file("bad.proto")?;
        Ok(Transcoder::new(&compiler.encode_file_descriptor_set()))
    };
    let method =
        |name: &str, rule: &str| format!("rpc {name}(M) returns (M) {{ option (google.api.http) = {{{rule}}}; }}");
    for (rule, want) in [
        (r#"get: "/v1/{nothing}""#, "bad.v1.S.A: the request has no field nothing that can stand there"),
        (r#"get: "/v1/{m}""#, "bad.v1.S.A: the request has no field m that can stand there"),
        (r#"get: "/v1/{many}""#, "bad.v1.S.A: the request has no field many that can stand there"),
        (r#"get: "/v1/{many.x}""#, "bad.v1.S.A: the request has no field many.x that can stand there"),
        (r#"post: "/v1/a" body: "x""#, "bad.v1.S.A: the request has no field x that can stand there"),
        (r#"get: "/v1/a" response_body: "x""#, "bad.v1.S.A: the request has no field x that can stand there"),
        (r#"get: "/v1/{id=**}/b""#, "bad.v1.S.A: template \"/v1/{id=**}/b\": `**` is not its last segment"),
    ] {
        let refused = contract(&method("A", rule))?.err().context("a refusal")?;
        assert_eq!(refused.to_string(), want, "{rule}");
    }
    let two = method("A", r#"get: "/v1/{id}""#) + &method("B", r#"get: "/v1/{m.id}""#);
    let refused = contract(&two)?.err().context("a refusal")?;
    assert_eq!(refused.to_string(), "bad.v1.S.B and bad.v1.S.A answer the same path and HTTP method");
    let stream = r#"rpc A(stream M) returns (M) { option (google.api.http) = {get: "/v1/a"}; }"#;
    assert!(matches!(contract(stream)?, Err(BadContract::ClientStream { .. })));
    Ok(())
}

#[test]
fn a_request_is_known_by_its_method_before_it_is_read() -> Result<()> {
    let transcoder = Transcoder::new(&descriptors()?)?;
    assert_eq!(transcoder.method_of(&http::Method::HEAD, "/v1/things/1"), Some("/echo.v1.EchoService/Get"));
    assert_eq!(transcoder.method_of(&http::Method::POST, "/v1/things/1"), None);
    Ok(())
}
