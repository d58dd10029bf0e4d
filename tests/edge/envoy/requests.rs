//! Requests made from the contracts: every operation, in good order and in many bad ones.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

/// The services that are compared; all stand in one process.
pub(super) const SERVICES: [&str; 4] = [
    "linju.residents.v1.AreaService",
    "linju.residents.v1.ResidentService",
    "linju.residents.v1.CareService",
    "linju.incidents.v1.IncidentService",
];

/// A request, and what was done to it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) what: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<String>,
    content_type: &'static str,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} {} {}", self.what, self.method, self.path, self.body.as_deref().unwrap_or_default())
    }
}

impl Sent {
    pub(super) fn get(path: &str) -> Self {
        Self { what: "good", method: "GET", path: path.to_owned(), body: None, content_type: "application/json" }
    }

    pub(super) fn headers(&self, token: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![("authorization", format!("Bearer {token}"))];
        if self.body.is_some() {
            headers.push(("content-type", self.content_type.to_owned()));
        }
        headers
    }
}

/// Small, and the same everywhere (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(of.len()).ok().filter(|len| *len > 0)?;
        of.get(usize::try_from(self.next() % len).ok()?)
    }
}

/// One operation, as the document has it.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    variables: Vec<(&'a str, String)>,
    query: Vec<(&'a str, &'a Value, Option<String>)>,
    body: Option<Value>,
}

const METHODS: [(&str, &str); 5] =
    [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")];

/// All requests, in the order of the paths.
pub(super) fn all(document: &Value, known: &BTreeMap<&str, Value>, seed: u64) -> Vec<Sent> {
    let mut random = Random(seed);
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (verb, operation) in item.as_object().into_iter().flatten() {
            let ours = operation["x-linju-method"].as_str().unwrap_or_default();
            let Some((_, method)) = METHODS.iter().find(|(name, _)| name == verb) else { continue };
            if SERVICES.iter().any(|service| ours.starts_with(&format!("/{service}/"))) {
                let operation = Operation::read(method, path, operation);
                operation.paths(known, &mut all);
                operation.queries(&mut random, &mut all);
                operation.bodies(&mut random, &mut all);
            }
        }
    }
    all.extend(outside());
    all
}

/// Paths that are nowhere.
fn outside() -> Vec<Sent> {
    let path = |path: &str| Sent { what: "no such path", ..Sent::get(path) };
    ["/", "/v1", "/v2/residents", "/v1/Residents", "//v1/residents", "/v1/residents/../areas", "/v1/%72esidents"]
        .map(path)
        .into()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

impl<'a> Operation<'a> {
    fn read(method: &'static str, path: &'a str, operation: &'a Value) -> Self {
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let within = |place: &'static str| parameters.iter().filter(move |parameter| parameter["in"] == place);
        let name = |parameter: &'a Value| parameter["name"].as_str().unwrap_or_default();
        Self {
            method,
            path,
            variables: within("path").map(|p| (name(p), text(&p["example"]))).collect(),
            query: within("query").map(|p| (name(p), &p["schema"], p.get("example").map(text))).collect(),
            body: operation["requestBody"]["content"]["application/json"].get("example").cloned(),
        }
    }

    fn path(&self) -> String {
        self.variables
            .iter()
            .fold(self.path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    fn query(&self) -> String {
        let given = self.query.iter().filter_map(|(name, _, example)| Some(format!("{name}={}", example.as_ref()?)));
        given.collect::<Vec<_>>().join("&")
    }

    fn good(&self) -> Sent {
        let (path, query) = (self.path(), self.query());
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        let body = self.body.as_ref().map(Value::to_string);
        Sent { method: self.method, body, ..Sent::get(&path) }
    }

    fn with_path(&self, what: &'static str, path: String) -> Sent {
        Sent { what, path, ..self.good() }
    }

    fn with_query(&self, what: &'static str, more: &str) -> Sent {
        let good = self.good();
        let join = if good.path.contains('?') { '&' } else { '?' };
        Sent { what, path: format!("{}{join}{more}", good.path), ..good }
    }

    fn with_body(&self, what: &'static str, body: String) -> Sent {
        Sent { what, body: Some(body), ..self.good() }
    }

    fn paths(&self, known: &BTreeMap<&str, Value>, all: &mut Vec<Sent>) {
        all.push(self.good());
        let path = self.path();
        all.push(self.with_path("slash at the end", format!("{path}/")));
        all.push(self.with_path("one segment more", format!("{path}/nothing")));
        all.push(self.with_path("another verb", format!("{path}:nothing")));
        all.push(Sent { what: "another method", method: "PUT", ..self.good() });
        for (name, example) in &self.variables {
            let put = |value: &str| self.path.replace(&format!("{{{name}}}"), value);
            let of = if self.path.starts_with("/v1/residents/") { ("residents", "id") } else { ("areas", "code") };
            if let Some(value) =
                known.get(of.0).and_then(|record| record[of.1].as_str()).filter(|_| self.method == "GET")
            {
                all.push(self.with_path("a record that is there", put(value)));
            }
            for (what, value) in [
                ("escaped", "a%20b%3Ac"),
                ("escaped UTF-8", "%E5%BC%A0"),
                ("escaped slash", "a%2Fb"),
                ("broken escape", "a%zzb"),
                ("escaped bytes that are no UTF-8", "%ff%fe"),
                ("empty segment", ""),
                ("a colon in the value", "a:b"),
                ("a plus in the value", "a+b"),
                ("a NUL", "a%00b"),
            ] {
                all.push(self.with_path(what, put(value)));
            }
            all.push(self.with_query("a variable of the path in the query", &format!("{name}={example}")));
        }
    }

    fn queries(&self, random: &mut Random, all: &mut Vec<Sent>) {
        all.push(self.with_query("unknown parameter", "nothing=1"));
        if self.query.is_empty() {
            return;
        }
        let (path, query) = (self.path(), self.query());
        all.push(self.with_path("no query", path.clone()));
        let renamed: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let renamed: Vec<_> = renamed.into_iter().map(|(name, value)| format!("{}={value}", snake(name))).collect();
        all.push(self.with_path("names of the contract", format!("{path}?{}", renamed.join("&"))));
        for (name, schema, _) in &self.query {
            let values: &[(&'static str, &str)] = match (schema["type"].as_str(), schema["$ref"].is_string()) {
                (Some("integer"), _) => &[
                    ("a number", "7"),
                    ("a number that is too large", "2147483648"),
                    ("a word for a number", "seven"),
                    ("a number with a fraction", "1.5"),
                    ("nothing for a number", ""),
                ],
                (_, true) => {
                    &[("an enum by number", "1"), ("no name of the enum", "NOTHING"), ("an enum in lower case", "care")]
                }
                (Some("array"), _) => {
                    &[("an item by number", "1"), ("no item of the enum", "NOTHING"), ("two items", "1&x=2")]
                }
                _ if schema["format"] == "date-time" => &[
                    ("a time", "2026-11-23T08:00:00Z"),
                    ("a time with a zone", "2026-11-23T16:00:00%2B08:00"),
                    ("no time", "today"),
                ],
                _ => &[("escaped text", "%E5%BC%A0+%26"), ("a broken escape in the query", "%zz")],
            };
            for (what, value) in values {
                let value = value.replace("x=", &format!("{name}="));
                all.push(self.with_query(what, &format!("{name}={value}")));
            }
        }
        if let Some((name, ..)) = random.pick(&self.query) {
            all.push(self.with_query("a field below a field that has none", &format!("{name}.x.y=1")));
            all.push(self.with_query("twice", &format!("{name}=1&{name}=2")));
        }
    }

    fn bodies(&self, random: &mut Random, all: &mut Vec<Sent>) {
        let Some(Value::Object(body)) = &self.body else {
            all.push(self.with_body("a body where none is taken", "{}".to_owned()));
            return;
        };
        let with = |name: &str, value: Value| {
            let mut body = body.clone();
            body.insert(name.to_owned(), value);
            Value::Object(body).to_string()
        };
        all.push(self.with_body("unknown field", with("nothing", json!(1))));
        all.push(self.with_body("empty object", "{}".to_owned()));
        all.push(Sent { what: "no body", body: None, ..self.good() });
        all.push(self.with_body("a list", "[]".to_owned()));
        all.push(self.with_body("null", "null".to_owned()));
        all.push(self.with_body("cut off", Value::Object(body.clone()).to_string().trim_end_matches('}').to_owned()));
        all.push(self.with_body("something after the body", format!("{} x", Value::Object(body.clone()))));
        all.push(Sent { what: "no JSON", content_type: "text/plain", ..self.good() });
        let renamed = body.iter().map(|(name, value)| (snake(name), value.clone())).collect();
        all.push(self.with_body("names of the contract", Value::Object(renamed).to_string()));
        let names: Vec<_> = body.keys().cloned().collect();
        let Some(name) = random.pick(&names) else { return };
        all.push(self.with_body("null for a field", with(name, Value::Null)));
        all.push(self.with_body("a list for a field", with(name, json!([1]))));
        all.push(self.with_body("an object for a field", with(name, json!({ "x": 1 }))));
        let twice = format!("{{{}:{},{}", json!(name), body[name], &Value::Object(body.clone()).to_string()[1..]);
        all.push(self.with_body("the same key twice", twice));
        for (name, value) in body {
            if value.as_str().is_some_and(|value| value.contains('_') && value.to_ascii_uppercase() == value) {
                all.push(self.with_body("no name of the enum", with(name, json!("NOTHING"))));
                all.push(self.with_body("an enum by number", with(name, json!(1))));
            }
        }
    }
}
