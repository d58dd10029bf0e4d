//! Reads the four options of the contracts and refuses what must not be: a method without `access`, an event with personal
//! data, a message that is both asked and answered with personal data in it, a rule no code is made of.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, Value,
};

/// `linju.common.v1.SCOPE_PUBLIC`.
const PUBLIC: i32 = 1;
/// `linju.common.v1.SCOPE_ACCOUNT`.
const ACCOUNT: i32 = 5;

/// All that code is made of.
pub(crate) struct Contract {
    pub(crate) methods: Vec<Method>,
    pub(crate) purposes: Vec<(i32, Vec<i32>)>,
    /// Roles that see rows about or made by their holder only.
    pub(crate) own_rows: Vec<i32>,
    /// What people call roles and purposes.
    pub(crate) role_labels: Vec<(i32, String)>,
    pub(crate) purpose_labels: Vec<(i32, String)>,
    pub(crate) messages: Vec<Message>,
}

pub(crate) struct Method {
    pub(crate) path: String,
    pub(crate) roles: Vec<i32>,
    pub(crate) scope: i32,
    pub(crate) purposes: Vec<i32>,
    pub(crate) cover: i32,
    /// Whether the same call may be made twice.
    pub(crate) retry_safe: bool,
}

pub(crate) struct Message {
    pub(crate) full_name: String,
    pub(crate) request: bool,
    /// It holds a personal field, itself or below.
    pub(crate) personal: bool,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) repeated: bool,
    /// `optional` scalars and singular messages.
    pub(crate) presence: bool,
    pub(crate) personal: Option<i32>,
    /// The field is a message that holds a personal field, itself or below.
    pub(crate) holds_personal: bool,
    pub(crate) rules: Rules,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Shape {
    Text,
    Number,
    /// Full name of the enum.
    Enum(String),
    /// A message of ours, which has rules of its own.
    Ours,
    /// Bytes, maps, oneofs' members, and messages that are not ours: nothing is checked.
    Other,
}

/// What `buf.validate` says of one field.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one rule's own switch")]
pub(crate) struct Rules {
    pub(crate) required: bool,
    pub(crate) ignore_zero: bool,
    pub(crate) min_len: Option<u64>,
    pub(crate) max_len: Option<u64>,
    pub(crate) pattern: Option<String>,
    pub(crate) one_of: Vec<String>,
    pub(crate) uuid: bool,
    pub(crate) gte: Option<f64>,
    pub(crate) lte: Option<f64>,
    pub(crate) defined_only: bool,
    pub(crate) within: Vec<i32>,
    pub(crate) not_in: Vec<i32>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) items: Option<Box<Rules>>,
}

struct Options {
    access: ExtensionDescriptor,
    personal: ExtensionDescriptor,
    entitled: ExtensionDescriptor,
    own_rows: ExtensionDescriptor,
    label: ExtensionDescriptor,
    field: ExtensionDescriptor,
}

impl Options {
    fn find(pool: &DescriptorPool) -> Result<Self, String> {
        let get = |name: &str| pool.get_extension_by_name(name).ok_or(format!("option {name} is not declared"));
        Ok(Self {
            access: get("linju.common.v1.access")?,
            personal: get("linju.common.v1.personal")?,
            entitled: get("linju.common.v1.entitled")?,
            own_rows: get("linju.common.v1.own_rows")?,
            label: get("linju.common.v1.label")?,
            field: get("buf.validate.field")?,
        })
    }
}

impl Contract {
    /// Paths of the messages that must never be printed with their content.
    pub(crate) fn personal_messages(&self) -> Vec<String> {
        self.messages.iter().filter(|m| m.personal).map(|m| format!(".{}", m.full_name)).collect()
    }

    /// Reads every method and message below `linju.`.
    pub(crate) fn read(pool: &DescriptorPool) -> Result<Self, String> {
        let options = Options::find(pool)?;
        // Entries of maps are among them, so that personal data in a map is found (and refused).
        let ours: Vec<_> = pool
            .all_messages()
            .filter(|m| m.full_name().starts_with("linju.") && m.package_name() != "linju.common.v1")
            .collect();
        let personal = personal_messages(&ours, &options);

        let mut methods = Vec::new();
        let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
        for service in pool.services().filter(|s| s.full_name().starts_with("linju.")) {
            for method in service.methods() {
                asked.insert(method.input().full_name().to_owned());
                answered.insert(method.output().full_name().to_owned());
                methods.push(read_method(&method, &options)?);
            }
        }
        if let Some(name) = asked.intersection(&answered).find(|name| personal[name.as_str()]) {
            return Err(format!("{name} is both asked and answered and holds personal data: give the request its own"));
        }
        let below = reachable(pool, &asked);
        let mut messages = Vec::new();
        for message in ours.iter().filter(|m| !m.is_map_entry()) {
            let event = message.parent_file().name().ends_with("/events.proto");
            if event && personal[message.full_name()] {
                return Err(format!(
                    "event {} holds personal data; an event carries ids and codes",
                    message.full_name()
                ));
            }
            messages.push(Message {
                full_name: message.full_name().to_owned(),
                request: asked.contains(message.full_name()),
                personal: personal[message.full_name()],
                fields: message
                    .fields()
                    .map(|f| read_field(&f, &options, &personal, below.contains(message.full_name())))
                    .collect::<Result<_, _>>()?,
            });
        }
        let purposes = pool
            .get_enum_by_name("linju.common.v1.Purpose")
            .ok_or("linju.common.v1.Purpose is not declared")?
            .values()
            .filter(|v| v.number() != 0)
            .map(|v| {
                let entitled = v.options().get_extension(&options.entitled).into_owned();
                (v.number(), entitled.as_message().map(|m| numbers(m, "roles")).unwrap_or_default())
            })
            .collect();
        let own_rows = pool
            .get_enum_by_name("linju.common.v1.Role")
            .ok_or("linju.common.v1.Role is not declared")?
            .values()
            .filter(|v| v.options().get_extension(&options.own_rows).as_bool() == Some(true))
            .map(|v| v.number())
            .collect();
        let role_labels = labels(pool, "linju.common.v1.Role", &options)?;
        let purpose_labels = labels(pool, "linju.common.v1.Purpose", &options)?;
        Ok(Self { methods, purposes, own_rows, role_labels, purpose_labels, messages })
    }
}

/// What people call the values of an enum. One without a label is refused: somebody would be told nothing.
fn labels(pool: &DescriptorPool, name: &str, options: &Options) -> Result<Vec<(i32, String)>, String> {
    let values = pool.get_enum_by_name(name).ok_or(format!("{name} is not declared"))?;
    let named = values.values().filter(|value| value.number() != 0).map(|value| {
        let set = value.options();
        let label = set.get_extension(&options.label);
        let label = label.as_str().filter(|label| !label.is_empty());
        let label = label.ok_or(format!("{} has no (linju.common.v1.label)", value.full_name()))?;
        Ok((value.number(), label.to_owned()))
    });
    named.collect()
}

fn read_method(method: &MethodDescriptor, options: &Options) -> Result<Method, String> {
    let set = method.options();
    if !set.has_extension(&options.access) {
        return Err(format!("{} says not who may call it: give it (linju.common.v1.access)", method.full_name()));
    }
    let access = set.get_extension(&options.access).into_owned();
    let access = access.as_message().ok_or("access is not a message")?;
    let scope = number(access, "scope");
    let roles = numbers(access, "roles");
    if scope == 0 || (scope != PUBLIC && scope != ACCOUNT && roles.is_empty()) {
        return Err(format!("{}: access needs a scope, and roles unless everybody may call it", method.full_name()));
    }
    let (purposes, cover) = (numbers(access, "purposes"), number(access, "cover"));
    if scope == ACCOUNT && (!roles.is_empty() || !purposes.is_empty() || cover != 0) {
        return Err(format!("{}: an account of one's own takes no roles, purposes or mandates", method.full_name()));
    }
    let level = set.get_field_by_name("idempotency_level").and_then(|v| v.as_enum_number()).unwrap_or(0);
    Ok(Method {
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        roles,
        scope,
        purposes,
        cover,
        retry_safe: level != 0,
    })
}

fn read_field(
    field: &FieldDescriptor,
    options: &Options,
    personal: &BTreeMap<String, bool>,
    asked: bool,
) -> Result<Field, String> {
    let set = field.options();
    let class = set.has_extension(&options.personal).then(|| set.get_extension(&options.personal).as_enum_number());
    let rules = if set.has_extension(&options.field) {
        if !asked {
            return Err(format!("{}: a rule on a field that no request holds is never checked", field.full_name()));
        }
        let value = set.get_extension(&options.field).into_owned();
        read_rules(value.as_message().ok_or("rules are not a message")?)
            .map_err(|e| format!("{}: {e}", field.full_name()))?
    } else {
        Rules::default()
    };
    let in_oneof = field.containing_oneof().is_some_and(|o| !o.is_synthetic());
    let shape = match field.kind() {
        _ if field.is_map() || in_oneof => Shape::Other,
        Kind::String => Shape::Text,
        Kind::Enum(e) => Shape::Enum(e.full_name().to_owned()),
        Kind::Message(m) if personal.contains_key(m.full_name()) => Shape::Ours,
        Kind::Message(_) | Kind::Bytes | Kind::Bool => Shape::Other,
        _ => Shape::Number,
    };
    let holds_personal =
        matches!(field.kind(), Kind::Message(m) if personal.get(m.full_name()).copied().unwrap_or(false));
    if (class.is_some() || holds_personal) && (field.is_map() || in_oneof) {
        return Err(format!("{}: personal data in a map or oneof cannot be masked", field.full_name()));
    }
    Ok(Field {
        name: field.name().to_owned(),
        shape,
        repeated: field.cardinality() == Cardinality::Repeated,
        presence: field.supports_presence(),
        personal: class.flatten(),
        holds_personal,
        rules,
    })
}

fn read_rules(message: &DynamicMessage) -> Result<Rules, String> {
    let mut rules = Rules::default();
    for (field, value) in message.fields() {
        match (field.name(), value) {
            ("required", Value::Bool(required)) => rules.required = *required,
            ("ignore", Value::EnumNumber(1)) => rules.ignore_zero = true,
            (_, Value::Message(group)) => read_group(group, &mut rules)?,
            (name, _) => return Err(format!("no code is made of rule {name}")),
        }
    }
    Ok(rules)
}

fn read_group(group: &DynamicMessage, rules: &mut Rules) -> Result<(), String> {
    for (field, value) in group.fields() {
        match (field.name(), value) {
            ("min_len", Value::U64(n)) => rules.min_len = Some(*n),
            ("max_len", Value::U64(n)) => rules.max_len = Some(*n),
            ("pattern", Value::String(p)) => {
                regex_lite::Regex::new(p).map_err(|e| format!("pattern {p}: {e}"))?;
                rules.pattern = Some(p.clone());
            }
            ("uuid", Value::Bool(uuid)) => rules.uuid = *uuid,
            ("defined_only", Value::Bool(only)) => rules.defined_only = *only,
            ("min_items", Value::U64(n)) => rules.min_items = Some(*n),
            ("max_items", Value::U64(n)) => rules.max_items = Some(*n),
            ("items", Value::Message(items)) => rules.items = Some(Box::new(read_rules(items)?)),
            ("in", Value::List(list)) => {
                rules.one_of = list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
                rules.within = list.iter().filter_map(Value::as_i32).collect();
            }
            ("not_in", Value::List(list)) => rules.not_in = list.iter().filter_map(Value::as_i32).collect(),
            ("gte", v) => rules.gte = Some(real(v)?),
            ("lte", v) => rules.lte = Some(real(v)?),
            (name, _) => return Err(format!("no code is made of rule {name}")),
        }
    }
    Ok(())
}

fn real(value: &Value) -> Result<f64, String> {
    match value {
        Value::I32(n) => Ok(f64::from(*n)),
        Value::U32(n) => Ok(f64::from(*n)),
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
        Value::I64(n) => Ok(*n as f64),
        Value::F32(n) => Ok(f64::from(*n)),
        Value::F64(n) => Ok(*n),
        other => Err(format!("a limit of this type is not supported: {other:?}")),
    }
}

fn number(message: &DynamicMessage, field: &str) -> i32 {
    message.get_field_by_name(field).and_then(|v| v.as_enum_number()).unwrap_or(0)
}

fn numbers(message: &DynamicMessage, field: &str) -> Vec<i32> {
    let value = message.get_field_by_name(field);
    value.iter().filter_map(|v| v.as_list()).flatten().filter_map(Value::as_enum_number).collect()
}

/// Which of our messages hold a personal field, themselves or below.
fn personal_messages(ours: &[MessageDescriptor], options: &Options) -> BTreeMap<String, bool> {
    let mut holds: BTreeMap<String, bool> = ours.iter().map(|m| (m.full_name().to_owned(), false)).collect();
    loop {
        let before = holds.clone();
        for message in ours {
            let personal = message.fields().any(|f| {
                f.options().has_extension(&options.personal)
                    || matches!(f.kind(), Kind::Message(m) if holds.get(m.full_name()).copied().unwrap_or(false))
            });
            holds.insert(message.full_name().to_owned(), personal);
        }
        if holds == before {
            return holds;
        }
    }
}

/// The messages that stand in a request, themselves or below.
fn reachable(pool: &DescriptorPool, asked: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<_> = asked.iter().filter_map(|name| pool.get_message_by_name(name)).collect();
    while let Some(message) = next.pop() {
        if found.insert(message.full_name().to_owned()) {
            next.extend(message.fields().filter_map(|f| match f.kind() {
                Kind::Message(m) => Some(m),
                _ => None,
            }));
        }
    }
    found
}
