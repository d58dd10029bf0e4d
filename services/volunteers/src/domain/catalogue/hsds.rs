//! The catalogue in the words of HSDS 3.0 (Open Referral, Human Services Data Specification), as any map or hotline reads it.
//!
//! HSDS has one language a text: the Chinese one comes first, the English one below it; names have a field for each.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Form, Item};

/// The version whose words are used.
pub const VERSION: &str = "3.0";

/// The office, as HSDS shows an organization.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    pub id: Uuid,
    pub name: String,
    pub description: String,
}

/// Who does what is published: the office, or an organisation it was given to, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    pub office: Office,
    pub organisations: HashMap<Uuid, Provider>,
}

/// An organisation that the public knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: String,
    pub services: String,
    pub uscc: Option<String>,
}

impl Providers {
    fn id_of(&self, item: &Item) -> Uuid {
        item.details.organisation_id.unwrap_or(self.office.id)
    }

    /// The organization in the form of HSDS; none where the public does not know it yet.
    fn organization(&self, item: &Item) -> Value {
        let Some(id) = item.details.organisation_id else {
            let Office { id, name, description } = &self.office;
            return json!({ "id": id.to_string(), "name": name, "description": description });
        };
        let Some(Provider { name, services, uscc }) = self.organisations.get(&id) else { return Value::Null };
        let mut shown = json!({ "id": id.to_string(), "name": name, "description": services });
        if let Some(uscc) = uscc {
            let identifier = json!({
                "id": part(id, 0xc0, 0).to_string(),
                "identifier_scheme": "CN-USCC",
                "identifier_type": "统一社会信用代码",
                "identifier": uscc,
            });
            shown["organization_identifiers"] = json!([identifier]);
        }
        shown
    }
}

/// Which services somebody asks for. All that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Is in a name, a description or the eligibility; letters of either case.
    pub search: String,
    pub organization_id: Option<Uuid>,
    /// Changed later than this.
    pub modified_after: Option<DateTime<Utc>>,
    /// Of a taxonomy. None is published, so nothing is.
    pub of_taxonomy: bool,
}

/// How much of each is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What must be there, and what it is.
    Minimal,
    /// All of its own fields.
    Plain,
    /// Also what hangs on it.
    Full,
}

/// One page of services, as HSDS wraps it. Pages count from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub total_items: usize,
    pub total_pages: usize,
    pub page_number: usize,
    /// How many are on this page.
    pub size: usize,
    pub first_page: bool,
    pub last_page: bool,
    pub empty: bool,
    pub contents: Vec<Value>,
}

impl Wanted {
    fn takes(&self, item: &Item, by: &Providers) -> bool {
        let details = &item.details;
        let search = self.search.trim().to_lowercase();
        let texts = [
            &details.zh,
            &details.en,
            &details.about_zh,
            &details.about_en,
            &details.eligibility_zh,
            &details.eligibility_en,
        ];
        !self.of_taxonomy
            && self.organization_id.is_none_or(|id| id == by.id_of(item))
            && self.modified_after.is_none_or(|at| item.updated_at > at)
            && (search.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&search)))
    }
}

/// Page `number` of those that are wanted, with `per_page` on each.
pub fn page(items: &[Item], by: &Providers, wanted: &Wanted, depth: Depth, (number, per_page): (usize, usize)) -> Page {
    let (number, per_page) = (number.max(1), per_page.max(1));
    let found: Vec<&Item> = items.iter().filter(|item| wanted.takes(item, by)).collect();
    let total_pages = found.len().div_ceil(per_page);
    let contents: Vec<Value> = found
        .iter()
        .skip((number - 1).saturating_mul(per_page))
        .take(per_page)
        .map(|item| service(item, by, depth))
        .collect();
    Page {
        total_items: found.len(),
        total_pages,
        page_number: number,
        size: contents.len(),
        first_page: number == 1,
        last_page: number >= total_pages,
        empty: contents.is_empty(),
        contents,
    }
}

/// One service.
pub fn service(item: &Item, by: &Providers, depth: Depth) -> Value {
    let Item { id, code: _, area: _, details, status, alert, owner: _, assured_on, updated_at } = item;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !matches!(&value, Value::Null) && value.as_str() != Some("") {
            fields.insert(name.to_owned(), value);
        }
    };
    put("id", json!(id.to_string()));
    put("name", json!(details.zh));
    put("status", json!(status.code()));
    put("description", json!(both(&details.about_zh, &details.about_en)));
    put("last_modified", json!(updated_at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    if depth == Depth::Minimal {
        return Value::Object(fields);
    }
    put("alternate_name", json!(details.en));
    put("organization_id", json!(by.id_of(item).to_string()));
    put("application_process", json!(process(item)));
    put("eligibility_description", json!(both(&details.eligibility_zh, &details.eligibility_en)));
    put("minimum_age", json!(details.minimum_age));
    put("maximum_age", json!(details.maximum_age));
    put("fees_description", json!(fees(item)));
    put("assured_date", day(*assured_on));
    put("alert", json!(alert));
    if depth == Depth::Full {
        put("organization", by.organization(item));
        put("required_documents", documents(item));
    }
    Value::Object(fields)
}

fn day(day: NaiveDate) -> Value {
    json!(day.to_string())
}

fn both(zh: &str, en: &str) -> String {
    if en.is_empty() { zh.to_owned() } else { format!("{zh}\n{en}") }
}

fn process(item: &Item) -> String {
    let (zh, en) = match item.details.form {
        Form::Errand => ("通过应用下单，或致电社区", "Ask in the app, or phone the community"),
        Form::Visit => {
            ("向社区或网格员登记，按计划上门", "Tell the community or the grid worker; visits follow a plan")
        }
        Form::Activity => ("在应用里或到社区报名", "Sign up in the app or at the community"),
        Form::OnSite => ("到点或预约办理", "Come along, or make an appointment"),
    };
    match item.details.promise {
        None => both(zh, en),
        Some(promise) => both(
            &format!("{zh}；{}内有人联系或上门", promise.zh()),
            &format!("{en}; somebody comes within {}", promise.en()),
        ),
    }
}

fn fees(item: &Item) -> String {
    if item.details.fees_zh.is_empty() && item.details.money {
        both("服务免费；代付的钱凭小票结清", "The service is free; what is bought or paid is settled by the receipt")
    } else if item.details.fees_zh.is_empty() {
        both("免费，不收任何报酬", "Free; no reward is taken")
    } else {
        both(&item.details.fees_zh, &item.details.fees_en)
    }
}

fn documents(item: &Item) -> Value {
    let documents = item.details.documents.iter().enumerate();
    documents
        .map(|(index, document)| {
            json!({ "id": part(item.id.0, 0xd0, index).to_string(), "document": both(&document.zh, &document.en) })
        })
        .collect()
}

/// The id of what it hangs on with another end, so that it stays the same as long as the part stays where it is.
fn part(of: Uuid, kind: u128, index: usize) -> Uuid {
    Uuid::from_u128(of.as_u128() ^ (kind << 16 | (index as u128 + 1)))
}

#[cfg(test)]
#[path = "hsds_tests.rs"]
mod tests;
