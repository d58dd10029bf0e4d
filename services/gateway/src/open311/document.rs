//! One answer, as XML and as JSON. The JSON follows from the XML by the Spark convention that `GeoReport` v2 names: the
//! outermost element is dropped, and elements that repeat are an array.

use std::fmt::Write as _;

use serde_json::{Map, Number};

/// In which of the two an answer is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Required of every endpoint, and so what is given where nothing is asked for.
    #[default]
    Xml,
    Json,
}

impl Format {
    pub(super) fn of_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "xml" => Some(Self::Xml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// An empty element, or null.
    Null,
    Text(String),
    Flag(bool),
    Whole(i64),
    Degrees(f64),
    Fields(Vec<(&'static str, Value)>),
    /// Elements of this name.
    List(&'static str, Vec<Value>),
}

impl Value {
    /// A text, or nothing where it is empty.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    /// A number, or nothing.
    pub(super) fn degrees(degrees: Option<f64>) -> Self {
        degrees.map_or(Self::Null, Self::Degrees)
    }
}

/// An answer under its outermost element.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) root: &'static str,
    pub(super) value: Value,
}

impl Document {
    pub(super) fn write(&self, format: Format) -> String {
        match format {
            Format::Xml => {
                let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
                element(&mut xml, self.root, &self.value);
                xml.push('\n');
                xml
            }
            Format::Json => json(&self.value).to_string(),
        }
    }
}

fn element(xml: &mut String, name: &str, value: &Value) {
    if *value == Value::Null {
        let _ = write!(xml, "<{name}/>");
        return;
    }
    // Writing to a String does not fail.
    let _ = write!(xml, "<{name}>");
    match value {
        Value::Null => {}
        Value::Text(text) => escape(xml, text),
        Value::Flag(flag) => {
            let _ = write!(xml, "{flag}");
        }
        Value::Whole(number) => {
            let _ = write!(xml, "{number}");
        }
        Value::Degrees(degrees) => {
            let _ = write!(xml, "{degrees}");
        }
        Value::Fields(fields) => fields.iter().for_each(|(name, value)| element(xml, name, value)),
        Value::List(name, items) => items.iter().for_each(|item| element(xml, name, item)),
    }
    let _ = write!(xml, "</{name}>");
}

/// Text as XML 1.0 can hold it. A carriage return is written as a reference: a reader makes a line feed of a bare one.
fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'.. => xml.push(c),
            _ => xml.push('\u{fffd}'),
        }
    }
}

fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Whole(number) => Json::Number((*number).into()),
        Value::Degrees(degrees) => Number::from_f64(*degrees).map_or(Json::Null, Json::Number),
        Value::Fields(fields) => {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), json(value)));
            Json::Object(fields.collect::<Map<_, _>>())
        }
        Value::List(_, items) => Json::Array(items.iter().map(json).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        let fields = vec![
            ("service_request_id", Value::text("20261122-7K3M9Q")),
            ("description", Value::text(text)),
            ("lat", Value::Degrees(34.073_216_645)),
            ("metadata", Value::Flag(true)),
            ("zipcode", Value::Null),
        ];
        Document { root: "service_requests", value: Value::List("request", vec![Value::Fields(fields)]) }
    }

    #[test]
    fn the_two_forms_say_the_same() {
        assert_eq!(
            document("路灯").write(Format::Xml),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service_requests><request>\
             <service_request_id>20261122-7K3M9Q</service_request_id><description>路灯</description>\
             <lat>34.073216645</lat><metadata>true</metadata><zipcode/></request></service_requests>\n"
        );
        assert_eq!(
            document("路灯").write(Format::Json),
            "[{\"description\":\"路灯\",\"lat\":34.073216645,\"metadata\":true,\
             \"service_request_id\":\"20261122-7K3M9Q\",\"zipcode\":null}]"
        );
    }

    #[test]
    fn no_text_becomes_an_element() {
        let xml = document("</description><x a='1'>&\r\n\u{7}\u{fffe}").write(Format::Xml);
        assert!(
            xml.contains(
                "<description>&lt;/description&gt;&lt;x a=&apos;1&apos;&gt;&amp;&#13;\n\u{fffd}\u{fffd}</description>"
            ),
            "{xml}"
        );
    }
}
