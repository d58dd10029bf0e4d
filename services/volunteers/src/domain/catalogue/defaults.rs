//! Dengke's list, with which a new install starts.

use chassis::data::AreaCode;
use chrono::NaiveDate;
use serde::Deserialize;

use super::{Details, ServiceItemId};

const DENGKE: &str = include_str!("../../../data/services_dengke.toml");

/// The list, in the office's order.
#[derive(Clone, Debug)]
pub struct List {
    pub area: AreaCode,
    pub assured_on: NaiveDate,
    pub items: Vec<Listed>,
}

/// One item of it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: ServiceItemId,
    pub code: String,
    pub owner: String,
    pub details: Details,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    area: String,
    assured_on: String,
    item: Vec<toml::Table>,
}

/// Reads the list that comes with the program.
pub fn dengke() -> Result<List, String> {
    let File { area, assured_on, item } = toml::from_str(DENGKE).map_err(|e| e.to_string())?;
    Ok(List {
        area: area.parse().map_err(|e| format!("area: {e}"))?,
        assured_on: assured_on.parse().map_err(|e| format!("assured_on: {e}"))?,
        items: item.into_iter().map(listed).collect::<Result<_, _>>()?,
    })
}

/// Takes out what is the list's own; the rest are the details, in which no unknown word is let through.
fn listed(mut table: toml::Table) -> Result<Listed, String> {
    let mut text = |key: &str| match table.remove(key) {
        Some(toml::Value::String(text)) => Ok(text),
        _ => Err(format!("an item has no text `{key}`")),
    };
    let (id, code, owner) = (text("id")?, text("code")?, text("owner")?);
    let id = id.parse().map_err(|_| format!("{code}: `{id}` is no UUID"))?;
    let details = Details::deserialize(toml::Value::Table(table)).map_err(|e| format!("{code}: {e}"))?;
    Ok(Listed { id, code, owner, details })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn dengke_has_twenty_five_services() {
        let list = dengke().expect("the list is whole");
        assert_eq!(list.items.len(), 25);
        let codes: BTreeSet<_> = list.items.iter().map(|item| item.code.as_str()).collect();
        let ids: BTreeSet<_> = list.items.iter().map(|item| item.id.0).collect();
        assert_eq!((codes.len(), ids.len()), (25, 25), "none stands there twice");
        for Listed { code, owner, details, .. } in &list.items {
            assert_eq!(details.check(), Ok(()), "{code}");
            assert!(!owner.is_empty() && !details.team_kinds.is_empty(), "{code}: somebody answers for it and does it");
            assert!(!details.eligibility_zh.is_empty() && !details.eligibility_en.is_empty(), "{code}");
            let form = |text: &str| !text.is_empty() && text.len() <= 40 && text.bytes().all(word);
            assert!(form(code) && details.skills.iter().all(|skill| form(skill)), "{code}");
        }
    }

    fn word(byte: u8) -> bool {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
    }

    #[test]
    fn what_is_done_with_children_asks_for_the_clearance() {
        let list = dengke().expect("the list is whole");
        let with_minors: Vec<_> =
            list.items.iter().filter(|item| item.details.needs.with_minors).map(|item| item.code.as_str()).collect();
        assert_eq!(with_minors, ["homework_company", "one_old_one_young"]);
    }
}
