//! Who may call an operation, and how callers show who they are.

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, ExtensionDescriptor, MethodDescriptor, Value as Field,
};
use serde_json::{Value, json};

/// Reads the option `linju.common.v1.access`; contracts without it have no such words.
#[derive(Debug)]
pub(super) struct Access {
    option: Option<ExtensionDescriptor>,
    names: Option<[EnumDescriptor; 3]>,
}

/// What a method's option says, in lower case and without prefixes: `grid_worker`, `area`, `home_visit`.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    pub(super) roles: Vec<String>,
    pub(super) scope: String,
    pub(super) purposes: Vec<String>,
}

impl Access {
    pub(super) fn of(pool: &DescriptorPool) -> Self {
        let get = |name: &str| pool.get_enum_by_name(&format!("linju.common.v1.{name}"));
        Self {
            option: pool.get_extension_by_name("linju.common.v1.access"),
            names: get("Role").zip(get("Scope")).zip(get("Purpose")).map(|((r, s), p)| [r, s, p]),
        }
    }

    pub(super) fn to(&self, method: &MethodDescriptor) -> Option<Allowed> {
        let (option, [role, scope, purpose]) = (self.option.as_ref()?, self.names.as_ref()?);
        let options = method.options();
        let access = options.get_extension(option);
        let access = access.as_message()?;
        Some(Allowed {
            roles: words(access, "roles", role, "ROLE_"),
            scope: words(access, "scope", scope, "SCOPE_").into_iter().next().unwrap_or_default(),
            purposes: words(access, "purposes", purpose, "PURPOSE_"),
        })
    }
}

fn words(access: &DynamicMessage, field: &str, kind: &EnumDescriptor, prefix: &str) -> Vec<String> {
    let value = access.get_field_by_name(field);
    let numbers: Vec<i32> = match value.as_deref() {
        Some(Field::List(items)) => items.iter().filter_map(Field::as_enum_number).collect(),
        Some(Field::EnumNumber(number)) => vec![*number],
        _ => Vec::new(),
    };
    let name = |number| kind.get_value(number).map(|value| value.name().to_owned());
    let word = |name: String| name.strip_prefix(prefix).unwrap_or(&name).to_ascii_lowercase();
    numbers.into_iter().filter_map(name).map(word).collect()
}

impl Allowed {
    pub(super) fn is_public(&self) -> bool {
        self.scope == "public"
    }

    /// In words, for the description.
    pub(super) fn told(&self) -> String {
        let roles: Vec<_> = self.roles.iter().map(|role| role.replace('_', " ")).collect();
        let roles = roles.join(", ");
        let who = match (self.scope.as_str(), roles.is_empty()) {
            ("public", true) => "For everybody.".to_owned(),
            ("public", false) => format!("For everybody; these may see more where they hold their role: {roles}."),
            ("account", _) => "For whoever is signed in: one's own account.".to_owned(),
            ("self", _) => format!("For {roles}: rows about or made by the caller."),
            ("area", _) => format!("For {roles}: rows of the areas granted to the caller."),
            _ => format!("For {roles}: the whole installation."),
        };
        if self.purposes.is_empty() {
            return who;
        }
        format!("{who} Personal data is masked unless `linju-purpose` names one of {}.", self.purposes.join(", "))
    }

    /// What satisfies it. What changes something in a browser's session needs the CSRF token too.
    pub(super) fn security(&self, safe: bool) -> Value {
        let session = if safe { json!({ "session": [] }) } else { json!({ "session": [], "csrf": [] }) };
        let mut ways = vec![session, json!({ "bearer": [] })];
        if self.is_public() {
            ways.insert(0, json!({}));
        }
        ways.into()
    }
}

/// How callers show who they are.
pub(super) fn schemes() -> Value {
    json!({
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "linju_session",
            "description": "A browser's session, begun below `/auth`.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "x-csrf-token",
            "description": "With a session: the token that signing in gave. Needed by everything but GET.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An app's access token or a program's personal access token.",
        },
    })
}
