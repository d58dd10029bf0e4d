//! The document that the contracts make, and the page that shows it.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use linju_gateway::{
    openapi,
    transcode::{Calls, Transcoder},
};
use serde_json::Value;
use tonic::Status;
use tower::ServiceExt;

use crate::transcode_echo::descriptors;

fn committed() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../docs/openapi.json"].iter().collect()
}

#[test]
fn the_committed_document_is_that_of_the_contracts() -> Result<()> {
    let made = openapi::text();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(committed(), made)?;
    }
    let kept = fs::read_to_string(committed()).unwrap_or_default();
    let differs = kept.lines().zip(made.lines()).position(|(a, b)| a != b);
    ensure!(
        kept == made,
        "docs/openapi.json is not what the contracts say (first difference at line {}): \
         read the change, then renew it with UPDATE_OPENAPI=1 cargo test -p linju-gateway --test it openapi",
        differs.map_or(kept.lines().count() + 1, |line| line + 1)
    );
    Ok(())
}

/// Checks the document against the schema of its standard, and each example against the schema beside it.
const VALIDATE: &str = r#"
import json, sys
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
document = json.load(open(sys.argv[1], encoding="utf-8"))
wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in OpenAPIV31SpecValidator(document).iter_errors()]
checked = 0
def check(schema, example, where):
    global checked
    checked += 1
    whole = {"allOf": [schema], "components": document["components"]}
    for e in Draft202012Validator(whole).iter_errors(example):
        wrong.append(f"{where}: {e.message}")
for path, item in document["paths"].items():
    for verb, operation in item.items():
        places = list(operation.get("requestBody", {}).get("content", {}).values()) + operation["parameters"]
        for place in places:
            if "example" in place:
                check(place["schema"], place["example"], f"{verb} {path} {place.get('name', 'body')}")
print("\n".join(wrong))
print(f"{checked} examples")
sys.exit(1 if wrong or not checked else 0)
"#;

fn validate(document: &str) -> Result<()> {
    let Some(python) = test_servers::python() else {
        test_servers::skipped("no Python with openapi-spec-validator: run scripts/install-tools python");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("openapi.json");
    fs::write(&file, document)?;
    let ran = Command::new(python).args(["-c", VALIDATE]).arg(&file).output()?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{told}");
    Ok(())
}

#[test]
fn the_document_is_valid_and_so_are_its_examples() -> Result<()> {
    validate(openapi::text())
}

#[test]
fn every_shape_of_a_contract_has_a_valid_document() -> Result<()> {
    let document = openapi::document(&descriptors()?)?;
    validate(&document.to_string())?;
    let thing = &document["components"]["schemas"]["echo.v1.Thing"]["properties"];
    assert_eq!(thing["big"]["type"], "string");
    assert_eq!(thing["happenedAt"]["format"], "date-time");
    assert_eq!(thing["label"]["type"], serde_json::json!(["string", "null"]));
    assert_eq!(thing["byNumber"]["additionalProperties"]["$ref"], "#/components/schemas/echo.v1.Part");
    assert_eq!(
        document["paths"]["/v1/things/{id}/tags"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["type"],
        "array"
    );
    assert!(
        document["paths"]["/v1/things:follow"]["get"]["responses"]["200"]["content"]["text/event-stream"].is_object()
    );
    Ok(())
}

#[test]
fn rules_and_access_stand_in_the_document() -> Result<()> {
    let document: Value = serde_json::from_str(openapi::text())?;
    let create = &document["components"]["schemas"]["linju.residents.v1.CreateResidentRequestInput"];
    assert_eq!(create["required"], serde_json::json!(["resident", "householdId", "requestId"]));
    assert_eq!(create["properties"]["requestId"]["format"], "uuid");
    assert_eq!(create["additionalProperties"], false);
    let get = &document["paths"]["/v1/residents/{id}"]["get"];
    assert_eq!(get["x-linju-scope"], "area");
    assert!(get["x-linju-purposes"].as_array().context("purposes")?.contains(&"home_visit".into()));
    assert!(get["description"].as_str().context("a description")?.contains("Personal data is masked unless"));
    assert_eq!(get["responses"]["404"]["$ref"], "#/components/responses/NotFound");
    let size = document["paths"]["/v1/residents"]["get"]["parameters"].as_array().context("parameters")?;
    let size = size.iter().find(|parameter| parameter["name"] == "pageSize").context("pageSize")?;
    assert_eq!((&size["schema"]["minimum"], &size["schema"]["maximum"]), (&0.into(), &1000.into()));
    assert_eq!(
        document["components"]["schemas"]["linju.residents.v1.Resident"]["properties"]["name"]["x-linju-personal"],
        "name"
    );
    Ok(())
}

/// Services that are not there: whatever reaches one is answered with 501.
struct Nobody;

impl Calls for Nobody {
    async fn call(&self, _: Request<tonic::body::Body>) -> Response<tonic::body::Body> {
        Status::unimplemented("nobody is there").into_http()
    }
}

#[tokio::test]
async fn every_example_is_a_request_that_reaches_its_method() -> Result<()> {
    let transcoder = Transcoder::new(linju_proto::DESCRIPTORS)?;
    let document: Value = serde_json::from_str(openapi::text())?;
    for (path, item) in document["paths"].as_object().context("paths")? {
        for (verb, operation) in item.as_object().context("operations")? {
            let request = example(path, verb, operation)?;
            let response = transcoder.answer(request, &Nobody).await;
            let (code, body) = (response.status(), response.into_body().collect().await?.to_bytes());
            assert_eq!(code, 501, "{verb} {path}: {}", String::from_utf8_lossy(&body));
        }
    }
    Ok(())
}

fn example(path: &str, verb: &str, operation: &Value) -> Result<Request<Body>> {
    let mut address = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().context("parameters")? {
        let name = parameter["name"].as_str().context("a name")?;
        let value = match &parameter["example"] {
            Value::String(text) => text.clone(),
            Value::Null => continue,
            other => other.to_string(),
        };
        match parameter["in"].as_str() {
            Some("path") => address = address.replace(&format!("{{{name}}}"), &value),
            Some("query") => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    let request =
        Request::builder().method(verb.to_ascii_uppercase().as_str()).uri(format!("{address}?{}", query.join("&")));
    let content = &operation["requestBody"]["content"]["application/json"]["example"];
    if content.is_null() {
        return Ok(request.body(Body::empty())?);
    }
    Ok(request.header("content-type", "application/json").body(Body::from(content.to_string()))?)
}

#[tokio::test]
async fn the_page_needs_no_exception_from_its_policy() -> Result<()> {
    for (path, content_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/page.js", "text/javascript; charset=utf-8"),
        ("/docs/page.css", "text/css; charset=utf-8"),
    ] {
        let response = openapi::routes().oneshot(Request::get(path).body(Body::empty())?).await?;
        assert_eq!(response.status(), 200, "{path}");
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("content-type"), content_type);
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for closed in ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(closed), "{policy}");
        }
        let text = String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?;
        assert!(!text.is_empty());
        if path == "/docs" {
            for inline in ["<style", "style=", "onclick", "javascript:", "http:", "https:"] {
                assert!(!text.contains(inline), "{inline}");
            }
            assert!(!text.contains("<script>"));
        }
    }
    Ok(())
}
