//! Messages and enums as JSON Schema.
//!
//! An answer's schema says shapes only: what is personal comes masked and would break the rules of what is sent. A message
//! that is sent has a schema of its own, with the rules; below a request its name ends in `Input`.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{Source, rules::Rules};
use crate::transcode::{Form, form};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the caller.
    Out,
    /// From the caller.
    In,
}

/// The schemas that the operations refer to.
pub(super) struct Schemas<'a> {
    source: &'a Source<'a>,
    validate: Option<ExtensionDescriptor>,
    personal: Option<(ExtensionDescriptor, EnumDescriptor)>,
    components: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        let pool = source.pool;
        let option = pool.get_extension_by_name("linju.common.v1.personal");
        let mut schemas = Self {
            source,
            validate: pool.get_extension_by_name("buf.validate.field"),
            personal: option.zip(pool.get_enum_by_name("linju.common.v1.Personal")),
            components: BTreeMap::new(),
        };
        schemas.components.insert("google.rpc.Status".to_owned(), status());
        schemas
    }

    pub(super) fn into_components(self) -> Value {
        self.components.into_iter().collect::<Map<_, _>>().into()
    }

    pub(super) fn rules(&self, field: &FieldDescriptor) -> Rules {
        Rules::of(field, self.validate.as_ref())
    }

    /// A reference to a message's schema, or the schema itself where the type has a form of its own.
    pub(super) fn message(&mut self, message: &MessageDescriptor, way: Way) -> Value {
        if let Some(schema) = well_known(message) {
            return schema;
        }
        let name = match way {
            Way::Out => message.full_name().to_owned(),
            Way::In => format!("{}Input", message.full_name()),
        };
        if !self.components.contains_key(&name) {
            // Stands there first, as a message may hold itself.
            self.components.insert(name.clone(), Value::Null);
            let schema = self.object(message, way, &[]);
            self.components.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// The schema of a body of which some fields may be given elsewhere.
    pub(super) fn body(&mut self, message: &MessageDescriptor, elsewhere: &[FieldDescriptor]) -> Value {
        if elsewhere.iter().any(|field| self.rules(field).is_required(field)) {
            return self.object(message, Way::In, elsewhere);
        }
        self.message(message, Way::In)
    }

    /// A message's own schema, in which these fields need not stand.
    fn object(&mut self, message: &MessageDescriptor, way: Way, elsewhere: &[FieldDescriptor]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields() {
            if way == Way::In && !elsewhere.contains(&field) && self.rules(&field).is_required(&field) {
                required.push(Value::from(field.json_name()));
            }
            properties.insert(field.json_name().to_owned(), self.field(&field, way));
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        describe(&mut schema, self.source.comments.of_message(message));
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if way == Way::In {
            schema["additionalProperties"] = false.into();
        }
        let exclusive: Vec<_> =
            message.oneofs().filter(|oneof| !oneof.is_synthetic()).flat_map(|o| pairs(&o)).collect();
        if !exclusive.is_empty() {
            schema["allOf"] = exclusive.into();
        }
        schema
    }

    /// A field's schema, with its comment and rules.
    pub(super) fn field(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        let rules = if way == Way::In { self.rules(field) } else { Rules::default() };
        let mut schema = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return json!({}) };
            let values = self.value(&entry.map_entry_value_field().kind(), &Rules::default(), way);
            json!({ "type": "object", "additionalProperties": values })
        } else if field.is_list() {
            let mut list = json!({ "type": "array", "items": self.value(&field.kind(), &rules.items(), way) });
            extend(&mut list, rules.of_list());
            list
        } else {
            self.value(&field.kind(), &rules, way)
        };
        let comment = self.source.comments.of_field(field).to_owned();
        describe(&mut schema, &comment);
        if self.is_output_only(field) {
            schema["readOnly"] = true.into();
        }
        if let Some(class) = self.class(field) {
            schema["x-linju-personal"] = class.into();
        }
        schema
    }

    fn value(&mut self, kind: &Kind, rules: &Rules, way: Way) -> Value {
        let mut schema = match kind {
            Kind::Message(message) => self.message(message, way),
            Kind::Enum(kind) => self.choice(kind),
            kind => scalar(kind),
        };
        extend(&mut schema, rules.of_value(kind));
        schema
    }

    fn choice(&mut self, kind: &EnumDescriptor) -> Value {
        if kind.full_name() == "google.protobuf.NullValue" {
            return json!({ "type": "null" });
        }
        let name = kind.full_name().to_owned();
        if !self.components.contains_key(&name) {
            let names: Vec<_> = kind.values().map(|value| value.name().to_owned()).collect();
            let comments = &self.source.comments;
            let told = kind.values().filter(|value| !comments.of_value(value).is_empty());
            let told: Vec<_> = told.map(|value| format!("- {}: {}", value.name(), comments.of_value(&value))).collect();
            let comment = [comments.of_enum(kind), &told.join("\n")].map(str::to_owned);
            let comment = comment.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
            let mut schema = json!({ "type": "string", "enum": names });
            describe(&mut schema, &comment);
            self.components.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// Whether the services ignore the field where it is sent. The contracts say so in words.
    pub(super) fn is_output_only(&self, field: &FieldDescriptor) -> bool {
        self.source.comments.of_field(field).starts_with("Output only")
    }

    /// The class of a personal field: `name`, `phone`, …
    fn class(&self, field: &FieldDescriptor) -> Option<String> {
        let (option, classes) = self.personal.as_ref()?;
        let options = field.options();
        if !options.has_extension(option) {
            return None;
        }
        let class = classes.get_value(options.get_extension(option).as_enum_number()?)?;
        Some(class.name().trim_start_matches("PERSONAL_").to_ascii_lowercase())
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn describe(schema: &mut Value, comment: &str) {
    if !comment.is_empty() {
        schema["description"] = comment.into();
    }
}

fn extend(schema: &mut Value, words: Vec<(&'static str, Value)>) {
    for (word, value) in words {
        schema[word] = value;
    }
}

/// Of a oneof's members no two may be set.
fn pairs(oneof: &prost_reflect::OneofDescriptor) -> Vec<Value> {
    let names: Vec<_> = oneof.fields().map(|field| field.json_name().to_owned()).collect();
    let with_later = |(at, name): (usize, &String)| {
        let pair = |other: &String| json!({ "not": { "required": [name, other] } });
        names[at + 1..].iter().map(pair).collect::<Vec<_>>()
    };
    names.iter().enumerate().flat_map(with_later).collect()
}

fn scalar(kind: &Kind) -> Value {
    match kind {
        Kind::Double => json!({ "type": "number", "format": "double" }),
        Kind::Float => json!({ "type": "number", "format": "float" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
        Kind::Uint32 | Kind::Fixed32 => {
            json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX })
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$" })
        }
        Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::String | Kind::Message(_) | Kind::Enum(_) => json!({ "type": "string" }),
    }
}

/// The types that JSON writes in a form of their own.
fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match (form(message)?, message.name()) {
        (_, "Timestamp") => json!({ "type": "string", "format": "date-time" }),
        (_, "Duration") => json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$" }),
        (_, "FieldMask") => {
            json!({ "type": "string", "description": "Names of fields, with commas between.", "examples": ["phone,name"] })
        }
        (Form::Wrapper, _) => {
            let mut schema = message.get_field(1).map_or_else(|| json!({}), |field| scalar(&field.kind()));
            schema["type"] = json!([schema["type"], "null"]);
            schema
        }
        (_, "Struct") => json!({ "type": "object" }),
        (_, "ListValue") => json!({ "type": "array", "items": {} }),
        (_, "Any") => {
            json!({ "type": "object", "properties": { "@type": { "type": "string" } }, "required": ["@type"] })
        }
        _ => json!({}),
    })
}

fn status() -> Value {
    json!({
        "type": "object",
        "description": "Why a call failed: `google.rpc.Status`.",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "integer", "format": "int32", "description": "A number of `google.rpc.Code`." },
            "message": { "type": "string", "description": "For people: what is wrong and what to do." },
            "details": {
                "type": "array",
                "description": "`google.rpc.ErrorInfo` names the reason; `google.rpc.BadRequest` the fields that are wrong; \
                    `google.rpc.RetryInfo` when to try again.",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": {
                        "@type": { "type": "string" },
                        "reason": { "type": "string", "description": "A word that programs can rely on." },
                        "domain": { "type": "string" },
                        "metadata": { "type": "object", "additionalProperties": { "type": "string" } },
                        "retryDelay": { "type": "string" },
                        "fieldViolations": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "field": { "type": "string" },
                                    "description": { "type": "string" },
                                    "reason": { "type": "string" },
                                },
                            },
                        },
                    },
                },
            },
        },
    })
}
