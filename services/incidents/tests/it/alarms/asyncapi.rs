//! `docs/asyncapi.json`: what partners send and read, made from the contracts. `LINJU_WRITE_DOCS=1` writes it anew.

use std::path::Path;

use anyhow::{Context as _, Result};
use linju_incidents::domain::alarm::AlarmKind;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value as Option_};
use serde_json::{Map, Value, json};

const FILE: &str = "docs/asyncapi.json";

#[test]
fn the_document_is_what_the_contracts_say() -> Result<()> {
    let made = format!("{:#}\n", document()?);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE);
    if std::env::var_os("LINJU_WRITE_DOCS").is_some() {
        std::fs::write(&file, &made)?;
    }
    let kept = std::fs::read_to_string(&file)?;
    assert!(kept == made, "{FILE} is not what the contracts say: run this test with LINJU_WRITE_DOCS=1 and look at it");
    Ok(())
}

/// The parts of `AsyncAPI` 3.0 that are used here: every reference leads somewhere, every channel has an operation.
#[test]
fn the_document_holds_together() -> Result<()> {
    let document = document()?;
    assert_eq!(document["asyncapi"], "3.0.0");
    let mut references = Vec::new();
    find_references(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let path = reference.strip_prefix('#').context("a local reference")?;
        assert!(document.pointer(path).is_some(), "{reference} leads nowhere");
    }
    let channels = document["channels"].as_object().context("channels")?;
    let operations = document["operations"].as_object().context("operations")?;
    for (name, channel) in channels {
        let reference = format!("#/channels/{name}");
        let is_used = |o: &Value| o["channel"]["$ref"] == *reference || o["reply"]["channel"]["$ref"] == *reference;
        assert!(operations.values().any(is_used), "{name} is used by nothing");
        assert!(channel["messages"].as_object().is_some_and(|messages| !messages.is_empty()), "{name}");
    }
    for operation in operations.values() {
        assert!(matches!(operation["action"].as_str(), Some("send" | "receive")), "{operation}");
    }
    Ok(())
}

fn find_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| find_references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

fn document() -> Result<Value> {
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS)?;
    let message = |name: &str| pool.get_message_by_name(&format!("linju.incidents.v1.{name}")).context(name.to_owned());
    let mut this = Document::default();
    for (name, request) in [("alarm", "ReportAlarmRequest"), ("heartbeat", "ReportHeartbeatRequest")] {
        let mut schema = schema(&message(request)?, true);
        if name == "alarm" {
            let kinds: Vec<_> = AlarmKind::accepted().map(AlarmKind::code).collect();
            schema["properties"]["kind"]["enum"] = json!(kinds);
        }
        this.message(name, "application/json", schema);
        this.door(name);
    }
    this.message("verdict", "application/json", verdict());
    let xml = "MANSCDP of GB/T 28181: a Notify of CmdType Alarm or Keepalive, in GB18030, GB2312 or UTF-8 as it declares. No DTD.";
    this.message("manscdp", "application/xml", json!({ "type": "string", "description": xml }));
    let events = pool.get_file_by_name("linju/incidents/v1/events.proto").context("the events")?;
    for event in events.messages() {
        this.event(&event);
    }
    Ok(this.finish())
}

#[derive(Default)]
struct Document {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

fn reference(path: &str) -> Value {
    json!({ "$ref": format!("#/{path}") })
}

impl Document {
    fn message(&mut self, name: &str, content_type: &str, schema: Value) {
        self.schemas.insert(name.to_owned(), schema);
        let payload = reference(&format!("components/schemas/{name}"));
        self.messages.insert(name.to_owned(), json!({ "contentType": content_type, "payload": payload }));
    }

    /// A subject to publish to, and one to ask.
    fn door(&mut self, name: &str) {
        let message = reference(&format!("components/messages/{name}"));
        let taken = json!({ name: message, "manscdp": reference("components/messages/manscdp") });
        let ask = format!("ask{}{}", name[..1].to_ascii_uppercase(), &name[1..]);
        let published =
            "Kept until it was taken. What is wrong with a message is counted and listed by `linju dlq list`.";
        self.channels.insert(name.to_owned(), json!({ "address": name, "messages": taken, "description": published }));
        let asked = "Answered with the verdict, in the form of the question, once it is committed. Not kept: ask again where no answer comes.";
        self.channels
            .insert(ask.clone(), json!({ "address": format!("ask.{name}"), "messages": taken, "description": asked }));
        let answers = format!("{ask}Answer");
        self.channels.insert(
            answers.clone(),
            json!({ "address": null, "messages": {
                "verdict": reference("components/messages/verdict"), "manscdp": reference("components/messages/manscdp") } }),
        );
        self.operations
            .insert(name.to_owned(), json!({ "action": "receive", "channel": reference(&format!("channels/{name}")) }));
        self.operations.insert(
            ask.clone(),
            json!({ "action": "receive", "channel": reference(&format!("channels/{ask}")),
                "reply": { "channel": reference(&format!("channels/{answers}")) } }),
        );
    }

    /// What a partner reads by its consumer.
    fn event(&mut self, event: &MessageDescriptor) {
        let name = event.name();
        self.message(name, "application/json", schema(event, false));
        let place = |text: &str| json!({ "description": text });
        self.messages[name]["headers"] = reference("components/schemas/cloudEvent");
        self.channels.insert(
            name.to_owned(),
            json!({
                "address": format!("linju.incidents.v1.{{county}}.{{subdistrict}}.{{community}}.{}", snake(name)),
                "messages": { name: reference(&format!("components/messages/{name}")) },
                "parameters": {
                    "county": place("six digits of the area code"), "subdistrict": place("three digits, or `-`"),
                    "community": place("three digits, or `-`"),
                },
            }),
        );
        self.operations
            .insert(name.to_owned(), json!({ "action": "send", "channel": reference(&format!("channels/{name}")) }));
    }

    fn finish(mut self) -> Value {
        let header = |text: &str| json!({ "type": "string", "description": text });
        self.schemas.insert(
            "cloudEvent".to_owned(),
            json!({ "type": "object", "description": "CloudEvents 1.0, binary mode", "properties": {
                "ce-id": header("by which an event is known again"), "ce-type": header("full name of the message"),
                "ce-source": header("the service"), "ce-time": header("RFC 3339"), "ce-specversion": header("1.0"),
                "ce-linjukey": header("what it is about"), "ce-linjuversion": header("counts the changes of it") } }),
        );
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Linju for partners", "version": "1",
                "description": "What a partner's system sends to Linju over NATS and reads from it. The server writes the partner's name into \
                                the subject; a message has no field for it. docs/guides/partners.md has examples.",
            },
            "defaultContentType": "application/json",
            "servers": { "office": { "host": "nats.example.cn:4222", "protocol": "nats",
                "description": "Sign in with the nkey of `linju partner add`; the inbox prefix is `_INBOX_<name>`. Events come by the durable \
                                consumer `partner-<name>` of the stream LINJU_EVENTS, with the API prefix `LINJU.API`." } },
            "channels": self.channels,
            "operations": self.operations,
            "components": { "messages": self.messages, "schemas": self.schemas },
        })
    }
}

fn verdict() -> Value {
    json!({
        "type": "object", "required": ["result"], "additionalProperties": false,
        "properties": {
            "result": { "enum": ["ok", "error"] },
            "repeated_alarm": { "type": "boolean", "description": "it had been taken before" },
            "reason": { "type": "string", "description": "a word that programs can rely on, for example TOO_FAST" },
            "message": { "type": "string", "description": "what is wrong and what to do" },
        },
    })
}

/// A message as JSON Schema, with the comments and rules of its contract.
fn schema(message: &MessageDescriptor, asked: bool) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in message.fields() {
        let mut property = shape(&field);
        let is_needed = rules(&field, &mut property);
        if let Some(comment) = comment(field.parent_file().file_descriptor_proto(), field.path()) {
            property["description"] = json!(comment);
        }
        let name = if asked { field.name() } else { field.json_name() };
        if is_needed {
            required.push(name.to_owned());
        }
        properties.insert(name.to_owned(), property);
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if let Some(comment) = comment(message.parent_file().file_descriptor_proto(), message.path()) {
        schema["description"] = json!(comment);
    }
    if asked {
        schema["required"] = json!(required);
        schema["additionalProperties"] = json!(false);
    }
    schema
}

fn shape(field: &FieldDescriptor) -> Value {
    let one = match field.kind() {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::Int32 | Kind::Uint32 => json!({ "type": "integer" }),
        Kind::Enum(kind) => json!({ "enum": kind.values().map(|v| v.name().to_owned()).collect::<Vec<_>>() }),
        Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        Kind::Message(_) => json!({ "type": "object" }),
        // 64 bits are text in the JSON of proto3, too.
        _ => json!({ "type": "string" }),
    };
    if field.is_list() { json!({ "type": "array", "items": one }) } else { one }
}

/// Adds what `buf.validate` says; whether the field is needed.
fn rules(field: &FieldDescriptor, property: &mut Value) -> bool {
    let options = field.options();
    let pool = field.parent_pool();
    let Some(extension) = pool.get_extension_by_name("buf.validate.field") else { return false };
    if !options.has_extension(&extension) {
        return false;
    }
    let rules = options.get_extension(&extension).into_owned();
    let Some(rules) = rules.as_message() else { return false };
    let mut is_needed = false;
    for (field, value) in rules.fields() {
        match value {
            Option_::Bool(true) if field.name() == "required" => is_needed = true,
            Option_::Message(group) => is_needed |= group_rules(group, property),
            _ => {}
        }
    }
    is_needed
}

fn group_rules(group: &DynamicMessage, property: &mut Value) -> bool {
    let mut is_needed = false;
    for (field, value) in group.fields() {
        match (field.name(), value) {
            ("pattern", Option_::String(pattern)) => {
                property["pattern"] = json!(pattern);
                is_needed = true;
            }
            ("max_len", Option_::U64(most)) => property["maxLength"] = json!(most),
            ("min_len", Option_::U64(least)) => property["minLength"] = json!(least),
            ("gte", Option_::I32(least)) => property["minimum"] = json!(least),
            ("lte", Option_::I32(most)) => property["maximum"] = json!(most),
            ("gte", Option_::F64(least)) => property["minimum"] = json!(least),
            ("lte", Option_::F64(most)) => property["maximum"] = json!(most),
            _ => {}
        }
    }
    is_needed
}

fn comment(file: &prost_types::FileDescriptorProto, path: &[i32]) -> Option<String> {
    let info = file.source_code_info.as_ref()?;
    let found = info.location.iter().find(|location| location.path == path)?;
    let text = found.leading_comments().split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// `IncidentReported` -> `incident_reported`
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
