//! The real week of Los Angeles: its requests in through POST, and out again by GET; all 9,999 on SQLite.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::client::{Format, Office};
use crate::ground::la_requests;

const ROWS: usize = 9_999;
/// Requests on their way at once.
const AT_ONCE: usize = 16;
const PAGE: usize = 1_000;

/// One row of the file, as it is sent.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    service: String,
    name: String,
    description: String,
    address: String,
    point: Option<(String, String)>,
}

/// `Bulky Items` as a code: `la311.bulky_items`.
fn code(kind: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("la311.{}", kind.chars().map(plain).collect::<String>())
}

/// The file has no descriptions: the city's own words about each request take their place, and every tenth has none.
fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (line, record) in csv::Reader::from_path(la_requests())?.records().enumerate() {
        let record = record?;
        let cell = |column: usize| record.get(column).unwrap_or_default().to_owned();
        let (latitude, longitude) = (cell(9), cell(10));
        let said = format!("{} {} <{}>\r\n{} & {}", cell(0), cell(4), cell(6), cell(1), cell(5));
        rows.push(Row {
            service: code(&cell(4)),
            name: cell(4),
            description: if line % 10 == 5 { String::new() } else { said },
            address: cell(8),
            point: (!latitude.is_empty() && !longitude.is_empty()).then_some((latitude, longitude)),
        });
    }
    ensure!(rows.len() == ROWS, "{} rows", rows.len());
    Ok(rows)
}

/// The kinds of request as categories, in the form of an office's own file.
fn catalogue(rows: &[Row]) -> String {
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let entry = |code: &str, name: &str| format!("[[category]]\ncode = \"{code}\"\nzh = \"{name}\"\nen = \"{name}\"\n");
    let group = entry("la311", "Los Angeles") + "units = [{ unit = \"sanitation\" }]\npublishable = true\n";
    names.into_iter().fold(group, |file, name| file + &entry(&code(name), name))
}

async fn send(office: &Office, row: &Row) -> Result<String> {
    let (latitude, longitude) = row.point.clone().unwrap_or_default();
    let fields = [
        ("service_code", row.service.as_str()),
        ("description", &row.description),
        ("address_string", &row.address),
        ("lat", &latitude),
        ("long", &longitude),
    ];
    office.submit(Format::Xml, &fields).await
}

/// What of a request was sent, as GET has it.
fn shown(request: &Value) -> Row {
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let degrees = |name: &str| request[name].as_f64().map(|degrees| degrees.to_string());
    Row {
        service: text("service_code"),
        name: text("service_name"),
        description: text("description"),
        address: text("address"),
        point: degrees("lat").zip(degrees("long")),
    }
}

/// The numbers as they are, and not as they were written.
fn plain(row: &Row) -> Result<Row> {
    let number = |text: &String| text.parse::<f64>().map(|degrees| degrees.to_string());
    let point = row.point.as_ref().map(|(lat, long)| Ok::<_, std::num::ParseFloatError>((number(lat)?, number(long)?)));
    Ok(Row { point: point.transpose()?, ..row.clone() })
}

async fn week(office: &Office, rows: &[Row]) -> Result<()> {
    let file = office.install.folder().join("la311.toml");
    std::fs::write(&file, catalogue(rows))?;
    let (code, told) = office.install.import("categories", &file, &[])?;
    ensure!(code == Some(0), "{told}");

    let sent = stream::iter(rows.iter().map(|row| async move { anyhow::Ok((send(office, row).await?, row)) }));
    let sent: HashMap<String, &Row> = sent.buffer_unordered(AT_ONCE).try_collect().await?;
    ensure!(sent.len() == rows.len(), "every report has a number of its own: {}", sent.len());

    let mut found = 0;
    for page in 1..=rows.len().div_ceil(PAGE) {
        let path = format!("requests.json?page={page}&page_size={PAGE}");
        let list = office.get(&path).await?.json()?;
        for request in list.as_array().context("a list")? {
            let number = request["service_request_id"].as_str().context("a number")?;
            let row = sent.get(number).with_context(|| format!("nobody sent {number}"))?;
            assert_eq!(shown(request), plain(row)?, "{number}");
            assert_eq!((&request["status"], request["requested_datetime"].is_string()), (&Value::from("open"), true));
            found += 1;
        }
    }
    assert_eq!(found, rows.len(), "each once");

    // The same in XML, for the newest thousand, and one by one for some.
    let newest = office.get("requests.xml").await?.xml()?;
    assert_eq!(newest.children.len(), PAGE, "the default limit");
    for request in &newest.children {
        let row = sent.get(request.text("service_request_id")).context("a number that was sent")?;
        let (lat, long) = plain(row)?.point.unwrap_or_default();
        let told = ["service_code", "description", "address", "lat", "long"].map(|name| request.text(name));
        assert_eq!(told, [&row.service, &row.description, &row.address, &lat, &long].map(String::as_str));
    }
    for (number, row) in sent.iter().take(20) {
        let request = office.get(&format!("requests/{number}.json")).await?.json()?;
        assert_eq!(shown(&request[0]), plain(row)?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_los_angeles_goes_in_and_comes_out() -> Result<()> {
    let rows = rows()?;
    for office in Office::both().await? {
        // On Postgres every fifth: what a build without optimisation needs for all of them tells nothing more.
        let step = if office.install.is_embedded() { 1 } else { 5 };
        let some: Vec<Row> = rows.iter().step_by(step).cloned().collect();
        week(&office, &some).await?;
    }
    Ok(())
}
