//! What `buf.validate` says of a field, as keywords of JSON Schema.

use prost_reflect::{DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, Value as Rule};
use regex_lite::Regex;
use serde_json::{Value, json};

/// The rules of one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    required: bool,
    ignore_zero: bool,
    group: Option<DynamicMessage>,
    /// Those of a list's items.
    items: Option<Box<Rules>>,
}

impl Rules {
    pub(super) fn of(field: &FieldDescriptor, option: Option<&ExtensionDescriptor>) -> Self {
        let options = field.options();
        let Some(option) = option.filter(|option| options.has_extension(option)) else { return Self::default() };
        options.get_extension(option).as_message().map(Self::read).unwrap_or_default()
    }

    fn read(message: &DynamicMessage) -> Self {
        let mut rules = Self::default();
        for (field, value) in message.fields() {
            match (field.name(), value) {
                ("required", Rule::Bool(required)) => rules.required = *required,
                ("ignore", Rule::EnumNumber(number)) => rules.ignore_zero = *number != 0,
                (_, Rule::Message(group)) => {
                    let items = group.get_field_by_name("items").filter(|_| group.has_field_by_name("items"));
                    rules.items = items.and_then(|items| items.as_message().map(|items| Box::new(Self::read(items))));
                    rules.group = Some(group.clone());
                }
                _ => {}
            }
        }
        rules
    }

    pub(super) fn items(&self) -> Self {
        self.items.as_deref().cloned().unwrap_or_default()
    }

    fn get(&self, name: &str) -> Option<Rule> {
        let group = self.group.as_ref()?;
        if group.has_field_by_name(name) {
            group.get_field_by_name(name).map(std::borrow::Cow::into_owned)
        } else {
            None
        }
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    fn is(&self, name: &str) -> bool {
        self.get(name).and_then(|value| value.as_bool()).unwrap_or(false)
    }

    fn list(&self, name: &str) -> Vec<Rule> {
        self.get(name).and_then(|value| value.as_list().map(<[Rule]>::to_vec)).unwrap_or_default()
    }

    pub(super) fn pattern(&self) -> Option<String> {
        self.get("pattern")?.as_str().map(str::to_owned)
    }

    pub(super) fn min_len(&self) -> u64 {
        self.count("min_len").unwrap_or(0)
    }

    pub(super) fn is_uuid(&self) -> bool {
        self.is("uuid")
    }

    pub(super) fn min_items(&self) -> u64 {
        self.count("min_items").unwrap_or(0)
    }

    pub(super) fn at_least(&self) -> Option<f64> {
        self.get("gte").as_ref().and_then(real)
    }

    /// The texts that are allowed, where only some are.
    pub(super) fn texts(&self) -> Vec<String> {
        self.list("in").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    /// The values of an enum that are allowed.
    pub(super) fn choices(&self, kind: &EnumDescriptor) -> Vec<String> {
        let (within, not_in) = (self.numbers("in"), self.numbers("not_in"));
        let allowed = |number| (within.is_empty() || within.contains(&number)) && !not_in.contains(&number);
        kind.values().filter(|value| allowed(value.number())).map(|value| value.name().to_owned()).collect()
    }

    fn numbers(&self, name: &str) -> Vec<i32> {
        self.list(name).iter().filter_map(Rule::as_i32).collect()
    }

    /// Whether a request without the field is refused.
    pub(super) fn is_required(&self, field: &FieldDescriptor) -> bool {
        if self.required {
            return true;
        }
        if self.ignore_zero || (field.supports_presence() && !field.is_list()) {
            return false;
        }
        if field.is_list() {
            return self.min_items() > 0;
        }
        match field.kind() {
            Kind::String => {
                let pattern = self.pattern().and_then(|pattern| Regex::new(&pattern).ok());
                let (texts, misses) = (self.texts(), pattern.is_some_and(|pattern| !pattern.is_match("")));
                self.min_len() > 0
                    || self.is_uuid()
                    || misses
                    || !(texts.is_empty() || texts.iter().any(String::is_empty))
            }
            Kind::Enum(kind) => {
                let zero = kind.get_value(0).map(|zero| zero.name().to_owned());
                zero.is_some_and(|zero| !self.choices(&kind).contains(&zero))
            }
            _ => self.at_least().is_some_and(|least| least > 0.0),
        }
    }

    /// The keywords for one value of a kind. Rules of lists are in [`Rules::of_list`].
    pub(super) fn of_value(&self, kind: &Kind) -> Vec<(&'static str, Value)> {
        let mut words = Vec::new();
        match kind {
            Kind::String => self.of_text(&mut words),
            Kind::Enum(kind) => {
                let choices = self.choices(kind);
                if choices.len() < kind.values().len() {
                    words.push(("enum", choices.into()));
                }
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => {
                words.extend(self.get("gte").as_ref().and_then(whole).map(|least| ("minimum", json!(least))));
                words.extend(self.get("lte").as_ref().and_then(whole).map(|most| ("maximum", json!(most))));
            }
            Kind::Double | Kind::Float => {
                words.extend(self.at_least().map(|least| ("minimum", json!(least))));
                words.extend(self.get("lte").as_ref().and_then(real).map(|most| ("maximum", json!(most))));
            }
            _ => {}
        }
        words
    }

    fn of_text(&self, words: &mut Vec<(&'static str, Value)>) {
        // What is ignored when empty must not be asked for by a keyword.
        let least = self.min_len();
        if least > 0 && !self.ignore_zero {
            words.push(("minLength", json!(least)));
        }
        words.extend(self.count("max_len").map(|most| ("maxLength", json!(most))));
        if let Some(pattern) = self.pattern() {
            words.push(("pattern", if self.ignore_zero { format!("^$|{pattern}") } else { pattern }.into()));
        }
        let texts = self.texts();
        if !texts.is_empty() {
            words.push(("enum", texts.into()));
        }
        if self.is_uuid() {
            words.push(("format", "uuid".into()));
        }
    }

    pub(super) fn of_list(&self) -> Vec<(&'static str, Value)> {
        let least = Some(self.min_items()).filter(|least| *least > 0).map(|least| ("minItems", json!(least)));
        let most = self.count("max_items").map(|most| ("maxItems", json!(most)));
        least.into_iter().chain(most).collect()
    }
}

fn whole(value: &Rule) -> Option<i64> {
    value.as_i32().map(i64::from).or_else(|| value.as_u32().map(i64::from))
}

fn real(value: &Rule) -> Option<f64> {
    let value = match value {
        Rule::I32(number) => f64::from(*number),
        Rule::U32(number) => f64::from(*number),
        Rule::F32(number) => f64::from(*number),
        Rule::F64(number) => *number,
        _ => return None,
    };
    Some(value)
}
