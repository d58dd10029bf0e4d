//! The query string, put into a request field by field.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::{
    escape::{Piece, decode},
    refused::Refused,
    rule::{Body, Rule},
    scalar::Scalar,
    well_known,
};

/// More fields within fields than any contract has.
const DEEPEST: usize = 8;
/// More parameters than any form sends.
const MOST: usize = 500;

/// Puts every parameter where it belongs.
pub(crate) fn fill(message: &mut DynamicMessage, rule: &Rule, query: &str) -> Result<(), Refused> {
    let mut given: Vec<Vec<FieldDescriptor>> = Vec::new();
    for (index, parameter) in query.split('&').filter(|parameter| !parameter.is_empty()).enumerate() {
        if index == MOST {
            return Err(Refused::field("query", "query.parameters", format!("has more than {MOST} parameters")));
        }
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let (Some(name), Some(value)) = (decode(name, Piece::Query), decode(value, Piece::Query)) else {
            return Err(Refused::field(name, "query.escape", "is not escaped as UTF-8 with percent signs"));
        };
        let path = find(&rule.rpc.input, &name)?;
        if let Some(elsewhere) = given_elsewhere(rule, &path) {
            return Err(Refused::field(
                &*name,
                "query.elsewhere",
                format!("is given by {elsewhere}: leave it out here"),
            ));
        }
        let Some(field) = path.last() else { continue };
        if !field.is_list() && given.contains(&path) {
            return Err(Refused::field(&*name, "query.duplicate", "is given twice: give it once"));
        }
        put(message, &path, &name, &value)?;
        given.push(path);
    }
    Ok(())
}

/// The fields a parameter names, each by its name in JSON or in the contract.
fn find(message: &MessageDescriptor, name: &str) -> Result<Vec<FieldDescriptor>, Refused> {
    let refuse = |rule, message: String| Err(Refused::field(name, rule, message));
    let mut path: Vec<FieldDescriptor> = Vec::new();
    let mut within = message.clone();
    for part in name.split('.') {
        if path.len() == DEEPEST {
            return refuse("query.depth", format!("names more than {DEEPEST} fields within each other"));
        }
        if let Some(above) = path.last() {
            within = match above.kind() {
                Kind::Message(message) if !above.is_list() && !above.is_map() => message,
                _ => return refuse("query.unknown", format!("looks below {}, which has no fields", above.name())),
            };
        }
        let field = within.get_field_by_json_name(part).or_else(|| within.get_field_by_name(part));
        let Some(field) = field.filter(|_| well_known::form(&within).is_none()) else {
            return refuse("query.unknown", "is no parameter here: take it out or correct its name".to_owned());
        };
        path.push(field);
    }
    Ok(path)
}

/// Where the rule takes the field from, if not from the query.
fn given_elsewhere(rule: &Rule, path: &[FieldDescriptor]) -> Option<&'static str> {
    match &rule.body {
        Body::Whole => return Some("the body"),
        Body::Field(body) if path.first() == Some(body) => return Some("the body"),
        Body::Field(_) | Body::None => {}
    }
    rule.variables.iter().any(|variable| variable.path == path).then_some("the path")
}

fn put(message: &mut DynamicMessage, path: &[FieldDescriptor], name: &str, text: &str) -> Result<(), Refused> {
    let Some((field, above)) = path.split_last() else { return Ok(()) };
    let refuse = |message: String| Refused::field(name, "query.value", message);
    let value = match field.kind() {
        _ if field.is_map() => return Err(refuse("is a map, which cannot stand in a query".to_owned())),
        Kind::Message(kind) => match well_known::form(&kind) {
            Some(form) => form.in_address(&kind, text).map(Value::Message),
            None => Err(format!("is a message: name one of its fields, as in {name}.field")),
        },
        kind => Scalar(&kind).in_address(text),
    };
    let value = value.map_err(refuse)?;
    let within = below(message, above);
    if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
        && let Some(other) = oneof.fields().find(|other| other != field && within.has_field(other))
    {
        return Err(refuse(format!("cannot be given together with {}: give one of the two", other.name())));
    }
    if field.is_list() {
        if let Value::List(list) = within.get_field_mut(field) {
            list.push(value);
        }
    } else {
        within.set_field(field, value);
    }
    Ok(())
}

/// The message that a path leads to; made where it is not there.
pub(crate) fn below<'a>(message: &'a mut DynamicMessage, path: &[FieldDescriptor]) -> &'a mut DynamicMessage {
    let mut within = message;
    for field in path {
        // The rule's paths were checked: each of these fields is a single message.
        match within.get_field_mut(field) {
            Value::Message(next) => within = next,
            _ => unreachable!("{} is no message", field.full_name()),
        }
    }
    within
}
