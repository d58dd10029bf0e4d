//! What `google.api.http` says of a method, checked against its messages once, at the start.

use std::sync::Arc;

use http::{Method, Uri};
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

use super::template::{BadTemplate, Template};

/// Why the contracts cannot be served over REST.
#[derive(Debug, thiserror::Error)]
pub enum BadContract {
    #[error("the descriptors cannot be read: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    #[error("{method}: template {template:?}: {why}")]
    Template { method: String, template: String, why: BadTemplate },
    #[error("{method}: the request has no field {field} that can stand there")]
    Field { method: String, field: String },
    #[error("{method}: {verb:?} is no HTTP method")]
    Verb { method: String, verb: String },
    #[error("{method}: a stream of requests has no form in REST")]
    ClientStream { method: String },
    #[error("{method} and {other} answer the same path and HTTP method")]
    Conflict { method: String, other: String },
}

/// A gRPC method that REST can call.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) method: MethodDescriptor,
    /// As in HTTP/2: `/linju.residents.v1.ResidentService/GetResident`.
    pub(crate) uri: Uri,
    pub(crate) input: MessageDescriptor,
    pub(crate) output: MessageDescriptor,
    pub(crate) streams: bool,
    /// The answer's field that becomes the header `ETag`.
    pub(crate) etag: Option<FieldDescriptor>,
    /// The streamed message's field that becomes the event's `id`.
    pub(crate) event_id: Option<FieldDescriptor>,
    /// The request's field that `Last-Event-ID` fills.
    pub(crate) after: Option<FieldDescriptor>,
}

/// One way to call it.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) rpc: Arc<Rpc>,
    /// Nothing: every method.
    pub(crate) verb: Option<Method>,
    pub(crate) template: Template,
    pub(crate) variables: Vec<Bound>,
    pub(crate) body: Body,
    /// The answer's field that is the body; nothing: the whole answer.
    pub(crate) answer: Option<FieldDescriptor>,
    /// The request's field that `If-Match` fills.
    pub(crate) if_match: Option<Vec<FieldDescriptor>>,
}

/// A field that the path gives.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) path: Vec<FieldDescriptor>,
    /// The segments it covers; no end where it covers all that are left.
    pub(crate) from: usize,
    pub(crate) until: Option<usize>,
    /// It covers more than one segment.
    pub(crate) many: bool,
}

/// What the HTTP body is of the request.
#[derive(Debug)]
pub(crate) enum Body {
    None,
    Whole,
    Field(FieldDescriptor),
}

/// The rules of all methods, in the order of the descriptors.
pub(crate) fn all(pool: &DescriptorPool) -> Result<Vec<Rule>, BadContract> {
    let Some(option) = pool.get_extension_by_name("google.api.http") else { return Ok(Vec::new()) };
    let mut rules = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            of_method(&method, &option, &mut rules)?;
        }
    }
    Ok(rules)
}

fn of_method(
    method: &MethodDescriptor,
    option: &ExtensionDescriptor,
    rules: &mut Vec<Rule>,
) -> Result<(), BadContract> {
    let options = method.options();
    if !options.has_extension(option) {
        return Ok(());
    }
    if method.is_client_streaming() {
        return Err(BadContract::ClientStream { method: method.full_name().to_owned() });
    }
    let rpc = Arc::new(Rpc::of(method));
    let http = options.get_extension(option);
    let Some(http) = http.as_message() else { return Ok(()) };
    rules.push(Rule::read(&rpc, http)?);
    let more = http.get_field_by_name("additional_bindings");
    for binding in more.iter().filter_map(|v| v.as_list()).flatten().filter_map(|v| v.as_message()) {
        rules.push(Rule::read(&rpc, binding)?);
    }
    Ok(())
}

impl Rpc {
    fn of(method: &MethodDescriptor) -> Self {
        let (input, output) = (method.input(), method.output());
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        Self {
            method: method.clone(),
            uri: Uri::try_from(path).unwrap_or_default(),
            streams: method.is_server_streaming(),
            etag: text_field(&output, "etag"),
            event_id: text_field(&output, "event_id"),
            after: text_field(&input, "after"),
            input,
            output,
        }
    }
}

impl Rule {
    fn read(rpc: &Arc<Rpc>, http: &DynamicMessage) -> Result<Self, BadContract> {
        let method = rpc.method.full_name();
        let (verb, path) = verb_and_path(http);
        let template = Template::parse(&path).map_err(|why| BadContract::Template {
            method: method.to_owned(),
            template: path.clone(),
            why,
        })?;
        let no_field = |field: &str| BadContract::Field { method: method.to_owned(), field: field.to_owned() };
        let mut variables = Vec::new();
        for variable in &template.variables {
            let path = field_path(&rpc.input, &variable.field).ok_or_else(|| no_field(&variable.field))?;
            if path.last().is_none_or(|field| matches!(field.kind(), Kind::Message(_)) || field.is_list()) {
                return Err(no_field(&variable.field));
            }
            let open = template.segments[variable.from..variable.until].contains(&super::template::Segment::Rest);
            variables.push(Bound {
                path,
                from: variable.from,
                until: (!open).then_some(variable.until),
                many: template.is_many(variable),
            });
        }
        let body = match text(http, "body").as_str() {
            "" => Body::None,
            "*" => Body::Whole,
            field => Body::Field(rpc.input.get_field_by_name(field).ok_or_else(|| no_field(field))?),
        };
        let answer = match text(http, "response_body").as_str() {
            "" => None,
            field => Some(rpc.output.get_field_by_name(field).ok_or_else(|| no_field(field))?),
        };
        let verb = match verb.as_str() {
            "*" => None,
            name => Some(
                Method::from_bytes(name.as_bytes())
                    .map_err(|_| BadContract::Verb { method: method.to_owned(), verb: verb.clone() })?,
            ),
        };
        let if_match = if_match(&rpc.input, &body);
        Ok(Self { rpc: rpc.clone(), verb, template, variables, body, answer, if_match })
    }

    /// The template as the contract has it.
    pub(crate) fn full_name(&self) -> &str {
        self.rpc.method.full_name()
    }
}

/// The request's own `etag`, or that of the resource in the body.
fn if_match(input: &MessageDescriptor, body: &Body) -> Option<Vec<FieldDescriptor>> {
    if let Some(etag) = text_field(input, "etag") {
        return Some(vec![etag]);
    }
    let Body::Field(resource) = body else { return None };
    match resource.kind() {
        Kind::Message(message) if !resource.is_list() && !resource.is_map() => {
            Some(vec![resource.clone(), text_field(&message, "etag")?])
        }
        _ => None,
    }
}

fn verb_and_path(http: &DynamicMessage) -> (String, String) {
    for verb in ["get", "put", "post", "delete", "patch"] {
        if http.has_field_by_name(verb) {
            return (verb.to_ascii_uppercase(), text(http, verb));
        }
    }
    let custom = http.get_field_by_name("custom");
    match custom.as_ref().and_then(|custom| custom.as_message()) {
        Some(custom) => (text(custom, "kind"), text(custom, "path")),
        None => (String::new(), String::new()),
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn text_field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(name).filter(|field| field.kind() == Kind::String && !field.is_list())
}

/// The fields from a message down, by the contract's names.
pub(crate) fn field_path(message: &MessageDescriptor, names: &str) -> Option<Vec<FieldDescriptor>> {
    let mut path: Vec<FieldDescriptor> = Vec::new();
    for name in names.split('.') {
        let within = match path.last() {
            None => message.clone(),
            Some(field) if field.is_list() || field.is_map() => return None,
            Some(field) => field.kind().as_message()?.clone(),
        };
        path.push(within.get_field_by_name(name)?);
    }
    Some(path)
}
