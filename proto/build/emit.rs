//! Writes the Rust that enforces a [`Contract`](crate::contract::Contract).

use std::fmt::{self, Write};

use crate::contract::{Contract, Field, Message, Rules, Shape};

/// The text of `contract.rs`.
pub(crate) fn rust(contract: &Contract) -> Result<String, fmt::Error> {
    let mut code = String::new();
    writeln!(code, "/// Every method of every service, as its contract says it.\npub static METHODS: &[Method] = &[")?;
    for m in &contract.methods {
        writeln!(
            code,
            "    Method {{ path: {:?}, roles: &{:?}, scope: {}, purposes: &{:?}, cover: {}, retry_safe: {} }},",
            m.path, m.roles, m.scope, m.purposes, m.cover, m.retry_safe
        )?;
    }
    let mut by_path: Vec<usize> = (0..contract.methods.len()).collect();
    by_path.sort_by_key(|i| &contract.methods[*i].path);
    writeln!(
        code,
        "];\n/// Places in `METHODS`, in the order of paths.\npub(super) static BY_PATH: &[usize] = &{by_path:?};"
    )?;
    writeln!(code, "/// Which roles may state a purpose.\npub static ENTITLED: &[(i32, &[i32])] = &[")?;
    for (purpose, roles) in &contract.purposes {
        writeln!(code, "    ({purpose}, &{roles:?}),")?;
    }
    writeln!(code, "];\n/// Roles that see rows about or made by their holder only.")?;
    writeln!(code, "pub static OWN_ROWS: &[i32] = &{:?};", contract.own_rows)?;
    for (name, of, labels) in
        [("ROLE_LABELS", "roles", &contract.role_labels), ("PURPOSE_LABELS", "purposes", &contract.purpose_labels)]
    {
        writeln!(code, "/// What people call the {of}.\npub static {name}: &[(i32, &str)] = &{labels:?};")?;
    }
    let mut patterns = Vec::new();
    for message in &contract.messages {
        implementation(&mut code, message, &mut patterns)?;
    }
    for (i, pattern) in patterns.iter().enumerate() {
        writeln!(code, "static P{i}: Pattern = Pattern::new({pattern:?});")?;
    }
    Ok(code)
}

fn implementation(code: &mut String, message: &Message, patterns: &mut Vec<String>) -> fmt::Result {
    let mut check = String::new();
    let mut mask = String::new();
    for field in &message.fields {
        checks(&mut check, field, patterns)?;
        masks(&mut mask, field)?;
    }
    writeln!(code, "impl Contract for {} {{", rust_path(&message.full_name))?;
    writeln!(code, "    const REQUEST: bool = {};", message.request)?;
    let unused = if check.is_empty() { "_" } else { "" };
    writeln!(code, "    fn check(&self, {unused}c: &mut Checker) {{\n{check}    }}")?;
    writeln!(code, "    fn mask(&mut self) {{\n{mask}    }}\n}}")?;
    if message.personal {
        let path = rust_path(&message.full_name);
        let name = message.full_name.rsplit('.').next().unwrap_or_default();
        writeln!(code, "impl std::fmt::Debug for {path} {{")?;
        writeln!(code, "    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{")?;
        writeln!(code, "        f.debug_struct({name:?}).finish_non_exhaustive()\n    }}\n}}")?;
    }
    Ok(())
}

fn checks(code: &mut String, field: &Field, patterns: &mut Vec<String>) -> fmt::Result {
    let (name, rust) = (&field.name, identifier(&field.name));
    if field.repeated {
        let (min, max) = (field.rules.min_items, field.rules.max_items);
        if min.is_some() || max.is_some() {
            writeln!(code, "        c.items({name:?}, self.{rust}.len(), {min:?}, {max:?});")?;
        }
        let none = Rules::default();
        let rules = field.rules.items.as_deref().unwrap_or(&none);
        let mut inner = String::new();
        value(&mut inner, &field.shape, "v", "\"\"", rules, patterns)?;
        if !inner.is_empty() {
            let step = format!("c.each({name:?}, i, |c| {{ {} }})", inner.trim());
            writeln!(code, "        for (i, v) in self.{rust}.iter().enumerate() {{ {step}; }}")?;
        }
        return Ok(());
    }
    let optional = field.presence && !field.rules.required;
    if field.presence {
        if field.rules.required {
            writeln!(code, "        c.required({name:?}, self.{rust}.is_some());")?;
        }
        let mut inner = String::new();
        value(&mut inner, &field.shape, "v", &format!("{name:?}"), &field.rules, patterns)?;
        if !inner.is_empty() {
            writeln!(code, "        if let Some(v) = &self.{rust} {{ {} }}", inner.trim())?;
        }
    } else {
        value(code, &field.shape, &format!("&self.{rust}"), &format!("{name:?}"), &field.rules, patterns)?;
    }
    debug_assert!(optional || !field.rules.required || field.presence, "required is for messages");
    Ok(())
}

/// The check of one value, an expression of reference type.
fn value(
    code: &mut String,
    shape: &Shape,
    value: &str,
    name: &str,
    rules: &Rules,
    patterns: &mut Vec<String>,
) -> fmt::Result {
    match shape {
        Shape::Text => {
            let pattern = rules.pattern.as_ref().map_or("None".to_owned(), |p| {
                let at = patterns.iter().position(|q| q == p).unwrap_or_else(|| {
                    patterns.push(p.clone());
                    patterns.len() - 1
                });
                format!("Some(&P{at})")
            });
            let Rules { min_len, max_len, one_of, uuid, ignore_zero, .. } = rules;
            writeln!(
                code,
                "        c.text({name}, {value}, &Text {{ min_len: {min_len:?}, max_len: {max_len:?}, pattern: {pattern}, \
                 one_of: &{one_of:?}, uuid: {uuid}, ignore_zero: {ignore_zero} }});"
            )
        }
        Shape::Number => {
            let Rules { gte, lte, .. } = rules;
            if gte.is_none() && lte.is_none() {
                return Ok(());
            }
            let value = value.strip_prefix('&').map_or(format!("*{value}"), str::to_owned);
            writeln!(code, "        c.number({name}, {value} as f64, {gte:?}, {lte:?});")
        }
        Shape::Enum(full_name) => {
            let Rules { defined_only, within, not_in, .. } = rules;
            if !defined_only && within.is_empty() && not_in.is_empty() {
                return Ok(());
            }
            let value = value.strip_prefix('&').map_or(format!("*{value}"), str::to_owned);
            let known = format!("{}::try_from({value}).is_ok()", rust_path(full_name));
            writeln!(code, "        c.choice({name}, {value}, {known}, &{within:?}, &{not_in:?});")
        }
        Shape::Ours => writeln!(code, "        c.below({name}, |c| {value}.check(c));"),
        Shape::Other => Ok(()),
    }
}

fn masks(code: &mut String, field: &Field) -> fmt::Result {
    let rust = identifier(&field.name);
    if let Some(class) = field.personal {
        return writeln!(code, "        Hide::hide(&mut self.{rust}, {class});");
    }
    if field.holds_personal {
        return writeln!(code, "        for v in self.{rust}.iter_mut() {{ Contract::mask(v); }}");
    }
    Ok(())
}

/// `linju.residents.v1.Resident` -> `crate::linju::residents::v1::Resident`; what stands within a message stands in a module
/// of the message's name: `…v1.Account.State` -> `…::v1::account::State`.
fn rust_path(full_name: &str) -> String {
    let (above, name) = full_name.rsplit_once('.').unwrap_or(("", full_name));
    let modules = above.split('.').map(|part| identifier(&snake(part)));
    format!("crate::{}::{}", modules.collect::<Vec<_>>().join("::"), identifier(name))
}

/// `AcceptPatternRequest` -> `accept_pattern_request`
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn identifier(name: &str) -> String {
    if ["type", "move", "return", "ref", "match", "in", "where", "use"].contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}
