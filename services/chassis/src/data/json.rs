//! Rows as a JSON text that Postgres reads back column by column (`json_populate_recordset`).

use std::fmt::Write as _;

use sea_orm::sea_query::Value;

const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// `[{"id":"…","n":1}, …]`; none where a value has no form that the column's type is sure to read back as it was.
pub(super) fn table(columns: &[&str], rows: &[Vec<Value>]) -> Option<String> {
    let mut text = String::with_capacity(rows.len() * columns.len() * 24);
    let names = columns.iter().map(|column| Some(serde_json::to_string(column).ok()? + ":"));
    let names: Vec<String> = names.collect::<Option<_>>()?;
    for (r, row) in rows.iter().enumerate() {
        text.push_str(if r == 0 { "[" } else { "," });
        for (c, (name, value)) in names.iter().zip(row).enumerate() {
            text.push(if c == 0 { '{' } else { ',' });
            text.push_str(name);
            push(&mut text, value)?;
        }
        text.push('}');
    }
    text.push(']');
    Some(text)
}

fn push(text: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::String(Some(value)) => return quote(text, value),
        Value::Char(Some(value)) => return quote(text, value.encode_utf8(&mut [0; 4])),
        // What is no number in JSON (NaN, infinity) is written as the text that Postgres reads.
        Value::Double(Some(value)) if !value.is_finite() => write!(text, "\"{value}\"").ok()?,
        Value::Double(Some(value)) => write!(text, "{value:?}").ok()?,
        Value::Bool(Some(value)) => write!(text, "{value}").ok()?,
        Value::SmallInt(Some(value)) => write!(text, "{value}").ok()?,
        Value::Int(Some(value)) => write!(text, "{value}").ok()?,
        Value::BigInt(Some(value)) => write!(text, "{value}").ok()?,
        Value::Uuid(Some(value)) => write!(text, "\"{value}\"").ok()?,
        Value::ChronoDate(Some(value)) => write!(text, "\"{value}\"").ok()?,
        Value::ChronoDateTimeUtc(Some(value)) => write!(text, "\"{}\"", value.to_rfc3339()).ok()?,
        Value::Bytes(Some(value)) => {
            text.push_str("\"\\\\x");
            for byte in value {
                text.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            text.push('"');
        }
        Value::String(None)
        | Value::Char(None)
        | Value::Double(None)
        | Value::Bool(None)
        | Value::SmallInt(None)
        | Value::Int(None)
        | Value::BigInt(None)
        | Value::Uuid(None)
        | Value::ChronoDate(None)
        | Value::ChronoDateTimeUtc(None)
        | Value::Bytes(None) => text.push_str("null"),
        _ => return None,
    }
    Some(())
}

fn quote(text: &mut String, value: &str) -> Option<()> {
    // Most values need no escape: names, codes and what is ciphered. JSON escapes quotes, backslashes and control characters.
    if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        text.push_str(&serde_json::to_string(value).ok()?);
    } else {
        text.push('"');
        text.push_str(value);
        text.push('"');
    }
    Some(())
}
