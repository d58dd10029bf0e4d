//! The contracts as `OpenAPI` 3.1, and a page to read and try them.
//!
//! `/openapi.json` is the document, `/docs` the page. Both are the same for everybody, and both come from the descriptors: what
//! a contract says of access, validity and meaning stands in them, and nothing else.

mod access;
mod comments;
mod example;
mod operation;
mod page;
mod rules;
mod schema;

use std::sync::OnceLock;

use axum::{Router, routing::get};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use crate::transcode::{BadContract, Rule, rules_of};
pub(crate) use page::file;

use access::Access;
use comments::Comments;
use operation::Operations;
use schema::Schemas;

/// The document of these contracts. `descriptors` is a `FileDescriptorSet` with options and comments kept.
pub fn document(descriptors: &[u8]) -> Result<Value, BadContract> {
    let pool = DescriptorPool::decode(descriptors)?;
    let rules = rules_of(&pool)?;
    let source = Source { comments: Comments::of(&pool), access: Access::of(&pool), pool: &pool };
    let mut schemas = Schemas::new(&source);
    let mut operations = Operations::new(&source);
    for rule in &rules {
        operations.add(rule, &mut schemas);
    }
    Ok(sorted(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linju",
            "version": "v1",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(&rules, &source.comments),
        "paths": operations.into_paths(),
        "components": {
            "schemas": schemas.into_components(),
            "responses": operation::responses(),
            "securitySchemes": access::schemes(),
        },
    })))
}

/// What every operation needs to know.
struct Source<'a> {
    pool: &'a DescriptorPool,
    comments: Comments,
    access: Access,
}

const ABOUT: &str = "The interface of a Linju installation. JSON is canonical proto3 JSON: names in lowerCamelCase (those of \
    the contracts are taken too), 64-bit numbers as strings, times as RFC 3339, and a field that is not set is left out. An \
    unknown field is refused. What fails is answered with a `google.rpc.Status`. Personal data comes masked unless the call \
    names a purpose with the header `linju-purpose`, and each such look is recorded.";

/// One for each service, in the order of the contracts.
fn tags(rules: &[Rule], comments: &Comments) -> Value {
    let mut tags: Vec<Value> = Vec::new();
    for rule in rules {
        let service = rule.rpc.method.parent_service();
        let tag = json!({
            "name": service.name(),
            "description": comments.of_service(service),
            "x-linju-service": service.full_name(),
        });
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.into()
}

/// The same with the keys of every object in order, whatever features `serde_json` was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// The document of the contracts that this program was built with, as text.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| match document(linju_proto::DESCRIPTORS) {
        Ok(document) => format!("{document:#}\n"),
        // The transcoder reads the same contracts and does not start with bad ones.
        Err(error) => json!({ "error": error.to_string() }).to_string(),
    })
}

/// `/openapi.json`, `/docs` and what that page needs.
pub fn routes() -> Router {
    Router::new()
        .route("/openapi.json", get(|| async { page::file("application/json", text()) }))
        .route("/docs", get(|| async { page::file("text/html; charset=utf-8", page::HTML) }))
        .route("/docs/page.js", get(|| async { page::file("text/javascript; charset=utf-8", page::JS) }))
        .route("/docs/page.css", get(|| async { page::file("text/css; charset=utf-8", page::CSS) }))
}
