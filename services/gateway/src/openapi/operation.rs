//! Methods as operations.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{
    Source,
    access::Allowed,
    comments::first_sentence,
    example,
    schema::{Schemas, Way, describe},
};
use crate::transcode::{Rule, RuleBody as Body, Segment, Template, form};

/// Fields within fields that are told as query parameters; deeper ones are taken too, but nobody needs them.
const DEEPEST: usize = 3;

/// The paths, as they come together.
pub(super) struct Operations<'a> {
    source: &'a Source<'a>,
    paths: Map<String, Value>,
    ids: Vec<String>,
}

impl<'a> Operations<'a> {
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        Self { source, paths: Map::new(), ids: Vec::new() }
    }

    pub(super) fn into_paths(self) -> Value {
        self.paths.into()
    }

    /// Adds what a rule answers. `OpenAPI` has no place for other than its own HTTP methods.
    pub(super) fn add(&mut self, rule: &Rule, schemas: &mut Schemas<'_>) {
        let Some(verb) = &rule.verb else { return };
        let verb = verb.as_str().to_ascii_lowercase();
        if !["get", "put", "post", "delete", "patch", "options", "head", "trace"].contains(&verb.as_str()) {
            return;
        }
        let id = self.id(rule);
        let (path, operation) = (path(&rule.template), self.operation(rule, &id, schemas));
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        item[verb] = operation;
    }

    /// `ResidentService_GetResident`; a further binding has its number.
    fn id(&mut self, rule: &Rule) -> String {
        let method = &rule.rpc.method;
        let id = format!("{}_{}", method.parent_service().name(), method.name());
        let before = self.ids.iter().filter(|other| **other == id).count();
        self.ids.push(id.clone());
        if before == 0 { id } else { format!("{id}_{}", before + 1) }
    }

    fn operation(&self, rule: &Rule, id: &str, schemas: &mut Schemas<'_>) -> Value {
        let method = &rule.rpc.method;
        let comment = self.source.comments.of_method(method);
        let allowed = self.source.access.to(method);
        let told = allowed.as_ref().map(Allowed::told);
        let description: Vec<_> =
            [Some(comment.to_owned()), told].into_iter().flatten().filter(|t| !t.is_empty()).collect();
        let mut operation = json!({
            "operationId": id,
            "tags": [method.parent_service().name()],
            "parameters": parameters(rule, allowed.as_ref(), schemas),
            "responses": answers(rule, allowed.as_ref(), schemas),
            "x-linju-method": rule.rpc.uri.path(),
        });
        if !comment.is_empty() {
            operation["summary"] = first_sentence(comment).into();
        }
        describe(&mut operation, &description.join("\n\n"));
        if let Some(body) = request_body(rule, schemas) {
            operation["requestBody"] = body;
        }
        if let Some(allowed) = allowed {
            operation["security"] = allowed.security(is_safe(rule));
            operation["x-linju-roles"] = allowed.roles.into();
            operation["x-linju-scope"] = allowed.scope.into();
            operation["x-linju-purposes"] = allowed.purposes.into();
        }
        operation
    }
}

fn is_safe(rule: &Rule) -> bool {
    rule.verb.as_ref().is_some_and(http::Method::is_safe)
}

/// The template as `OpenAPI` writes it. A variable of several segments becomes one of each star in it.
fn path(template: &Template) -> String {
    let mut path = String::new();
    for (at, segment) in template.segments.iter().enumerate() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::One | Segment::Rest => path.extend(["{", &star(template, at), "}"]),
        }
    }
    match &template.verb {
        Some(verb) => format!("{path}:{verb}"),
        None => path,
    }
}

/// What a star is called: as the field it belongs to, with a number where that has several. Without dots (`category_code` for
/// `category.code`): many tools take only names in `{}`.
fn star(template: &Template, at: usize) -> String {
    let is_star = |at: &usize| !matches!(template.segments[*at], Segment::Literal(_));
    match template.variables.iter().find(|variable| (variable.from..variable.until).contains(&at)) {
        None => format!("segment{at}"),
        Some(variable) if (variable.from..variable.until).filter(is_star).count() == 1 => {
            variable.field.replace('.', "_")
        }
        Some(variable) => {
            format!("{}_{}", variable.field.replace('.', "_"), (variable.from..=at).filter(is_star).count())
        }
    }
}

fn in_path(rule: &Rule, schemas: &mut Schemas<'_>, parameters: &mut Vec<Value>) {
    for (bound, variable) in rule.variables.iter().zip(&rule.template.variables) {
        let Some(field) = bound.path.last() else { continue };
        if !bound.many {
            let name = variable.field.replace('.', "_");
            let mut parameter = parameter("path", &name, field, schemas);
            parameter["required"] = true.into();
            parameters.push(parameter);
            continue;
        }
        let segments = &rule.template.segments[variable.from..variable.until];
        let pattern: Vec<_> = segments.iter().map(segment).collect();
        for (offset, star_segment) in segments.iter().enumerate() {
            if matches!(star_segment, Segment::Literal(_)) {
                continue;
            }
            let rest = *star_segment == Segment::Rest;
            parameters.push(json!({
                "name": star(&rule.template, variable.from + offset),
                "in": "path",
                "required": true,
                "schema": { "type": "string" },
                "description": format!("The star in `{}`, which is the field `{}`.", pattern.join("/"), variable.field),
                "example": example::UUID,
                // Then slashes within it are not escaped.
                "x-linju-many": rest,
            }));
        }
    }
}

fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) => text.clone(),
        Segment::One => "*".to_owned(),
        Segment::Rest => "**".to_owned(),
    }
}

fn parameters(rule: &Rule, allowed: Option<&Allowed>, schemas: &mut Schemas<'_>) -> Value {
    let mut parameters = Vec::new();
    in_path(rule, schemas, &mut parameters);
    if !matches!(rule.body, Body::Whole) {
        in_query(rule, &rule.rpc.input, &[], schemas, &mut parameters);
    }
    in_headers(rule, allowed, &mut parameters);
    parameters.into()
}

/// Every field that neither the path nor the body gives.
fn in_query(
    rule: &Rule,
    message: &MessageDescriptor,
    above: &[FieldDescriptor],
    schemas: &mut Schemas<'_>,
    parameters: &mut Vec<Value>,
) {
    for field in message.fields() {
        let path: Vec<_> = above.iter().cloned().chain([field.clone()]).collect();
        let in_path = rule.variables.iter().any(|variable| variable.path == path);
        let in_body = matches!(&rule.body, Body::Field(body) if path.first() == Some(body));
        if in_path || in_body || field.is_map() {
            continue;
        }
        match field.kind() {
            Kind::Message(below) if form(&below).is_none() => {
                if !field.is_list() && path.len() < DEEPEST {
                    in_query(rule, &below, &path, schemas, parameters);
                }
            }
            _ => {
                let name: Vec<_> = path.iter().map(FieldDescriptor::json_name).collect();
                let mut parameter = parameter("query", &name.join("."), &field, schemas);
                if above.is_empty() && schemas.rules(&field).is_required(&field) {
                    parameter["required"] = true.into();
                }
                parameters.push(parameter);
            }
        }
    }
}

fn parameter(place: &str, name: &str, field: &FieldDescriptor, schemas: &mut Schemas<'_>) -> Value {
    let mut schema = schemas.field(field, Way::In);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({ "name": name, "in": place, "schema": schema });
    if let Some(description) = description {
        parameter["description"] = description;
    }
    let rules = schemas.rules(field);
    if rules.is_required(field) || place == "path" {
        let example = example::of_value(field, &field.kind(), &rules, schemas, 0);
        if let Some(example) = example.filter(|_| !field.is_list()) {
            parameter["example"] = example;
        }
    }
    parameter
}

fn in_headers(rule: &Rule, allowed: Option<&Allowed>, parameters: &mut Vec<Value>) {
    let mut add = |name: &str, schema: Value, description: &str| {
        parameters.push(json!({ "name": name, "in": "header", "schema": schema, "description": description }));
    };
    if let Some(allowed) = allowed.filter(|allowed| !allowed.purposes.is_empty()) {
        let schema = json!({ "type": "string", "enum": allowed.purposes });
        add("linju-purpose", schema, "Why personal data is needed in clear; the look is recorded.");
    }
    if rule.if_match.is_some() && !is_safe(rule) {
        let told = "The `ETag` that was read: the change is made only if the record is still the same. Stands for the field `etag`.";
        add("If-Match", json!({ "type": "string" }), told);
    }
    if rule.rpc.etag.is_some() && is_safe(rule) {
        add("If-None-Match", json!({ "type": "string" }), "The `ETag` that was read: 304 if it is still the same.");
    }
    if rule.rpc.streams && rule.rpc.after.is_some() {
        add("Last-Event-ID", json!({ "type": "string" }), "Where to go on, as browsers send it. Stands for `after`.");
    }
}

fn request_body(rule: &Rule, schemas: &mut Schemas<'_>) -> Option<Value> {
    let (schema, example, required) = match &rule.body {
        Body::None => return None,
        Body::Field(field) => {
            let rules = schemas.rules(field);
            let (schema, example) = match field.kind() {
                Kind::Message(message) if !field.is_list() && !field.is_map() && form(&message).is_none() => {
                    let elsewhere = elsewhere(rule, Some(field));
                    let example = example::of_message(&message, schemas, &elsewhere);
                    (schemas.body(&message, &elsewhere), Some(example))
                }
                kind => (schemas.field(field, Way::In), example::of_value(field, &kind, &rules, schemas, 0)),
            };
            (schema, example, rules.is_required(field))
        }
        Body::Whole => {
            let (input, elsewhere) = (&rule.rpc.input, elsewhere(rule, None));
            let required = input.fields().any(|f| !elsewhere.contains(&f) && schemas.rules(&f).is_required(&f));
            let example = example::of_message(input, schemas, &elsewhere);
            (schemas.body(input, &elsewhere), Some(example), required)
        }
    };
    let mut content = json!({ "schema": schema });
    if let Some(example) = example {
        content["example"] = example;
    }
    Some(json!({ "required": required, "content": { "application/json": content } }))
}

/// The fields of a body that the path gives, or that `If-Match` may give. `body` is the field that the body is.
fn elsewhere(rule: &Rule, body: Option<&FieldDescriptor>) -> Vec<FieldDescriptor> {
    let paths = rule.variables.iter().map(|variable| &variable.path).chain(&rule.if_match);
    let within = paths.filter_map(|path| match (body, path.as_slice()) {
        (None, [field]) => Some(field),
        (Some(body), [above, field]) if above == body => Some(field),
        _ => None,
    });
    within.cloned().collect()
}

/// The good answer, and those that may come instead of it.
fn answers(rule: &Rule, allowed: Option<&Allowed>, schemas: &mut Schemas<'_>) -> Value {
    let schema = match &rule.answer {
        Some(field) => schemas.field(field, Way::Out),
        None => schemas.message(&rule.rpc.output, Way::Out),
    };
    let mut good = if rule.rpc.streams {
        json!({
            "description": "Messages as they come, one a line or one an event. An error after the first comes as the last \
                line, within `error`, or as an event `error`.",
            "content": {
                "application/x-ndjson": { "schema": schema },
                "text/event-stream": { "schema": schema },
            },
        })
    } else {
        json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } })
    };
    if rule.rpc.etag.is_some() && !rule.rpc.streams {
        good["headers"] =
            json!({ "ETag": { "schema": { "type": "string" }, "description": "Changes with the record." } });
    }
    let mut answers = json!({ "200": good });
    let mut codes = vec!["400", "429", "500", "503", "504"];
    if rule.rpc.etag.is_some() && is_safe(rule) {
        answers["304"] = json!({ "description": "Not changed since it was read with this `If-None-Match`." });
    }
    if allowed.is_none_or(|allowed| !allowed.is_public()) {
        codes.extend(["401", "403"]);
    }
    if !rule.variables.is_empty() {
        codes.push("404");
    }
    if !is_safe(rule) {
        codes.extend(["409", "413", "415"]);
        codes.extend(rule.if_match.is_some().then_some("412"));
    }
    codes.push("406");
    codes.sort_unstable();
    for code in codes {
        answers[code] = json!({ "$ref": format!("#/components/responses/{}", name(code)) });
    }
    answers
}

const CODES: [(&str, &str, &str); 14] = [
    (
        "400",
        "BadRequest",
        "The request is not valid, or the record is in no state for it; `details` says which and why.",
    ),
    ("401", "Unauthenticated", "Nobody is signed in, or the credential is no longer valid."),
    ("403", "PermissionDenied", "The caller may not do this."),
    ("404", "NotFound", "There is no such record where the caller may look."),
    ("406", "NotAcceptable", "There is no answer of a type in `Accept`."),
    ("409", "Conflict", "It is there already, or somebody changed it meanwhile."),
    ("412", "PreconditionFailed", "It is no longer as `If-Match` says."),
    ("413", "ContentTooLarge", "The body is too large."),
    ("415", "UnsupportedMediaType", "The body is not JSON in UTF-8."),
    ("429", "TooManyRequests", "Too many calls; `Retry-After` says when to try again."),
    ("499", "Cancelled", "The caller went away."),
    ("500", "Internal", "Something went wrong on our side; it was logged."),
    ("503", "Unavailable", "It cannot be done now; `Retry-After` says when to try again."),
    ("504", "DeadlineExceeded", "It took longer than `grpc-timeout` allows."),
];

fn name(code: &str) -> &'static str {
    CODES.iter().find(|(of, ..)| *of == code).map_or("Internal", |(_, name, _)| name)
}

/// The answers to calls that failed.
pub(super) fn responses() -> Value {
    let response = |(code, name, description): &(&str, &str, &str)| {
        let schema = json!({ "$ref": "#/components/schemas/google.rpc.Status" });
        let mut response =
            json!({ "description": description, "content": { "application/json": { "schema": schema } } });
        if matches!(*code, "429" | "503") {
            let seconds = json!({ "schema": { "type": "integer" }, "description": "Seconds to wait." });
            response["headers"] = json!({ "Retry-After": seconds });
        }
        ((*name).to_owned(), response)
    };
    CODES.iter().map(response).collect::<Map<_, _>>().into()
}
