//! The tree of places: looked at by everybody, imported from an official table.

use std::{collections::BTreeMap, io::Read};

use chassis::{
    Fault,
    data::{AreaCode, AreaLevel, Page},
};
use sea_orm::{EntityTrait, sea_query::OnConflict};

use super::App;
use crate::{
    Error,
    domain::text::{compact, half_width, is_forbidden},
    store::area,
};

/// The most characters of a place's name.
const LONGEST_NAME: usize = 60;
/// The most rows of a table: every community of a province, twice over.
const MOST_ROWS: usize = 100_000;
/// Rows written in one statement.
const AT_ONCE: usize = 5_000;

/// What an import of areas did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AreasOutcome {
    /// Rows below the header.
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    /// Why rows were rejected; one for each.
    pub problems: Vec<AreaProblem>,
}

/// Why a row was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaProblem {
    /// The line of the file; the first is 1.
    pub line: u64,
    /// `code`, `name`, `level` or `parent_code`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

struct Row {
    line: u64,
    code: AreaCode,
    name: String,
    parent: Option<AreaCode>,
}

impl App {
    /// One place.
    pub async fn get_area(&self, code: AreaCode) -> Result<area::Model, Error> {
        Ok(area::find(self.db.read(), code).await?.ok_or(Fault::NotFound("area"))?)
    }

    /// The places directly below `parent`, or the topmost, and the token of the next page.
    pub async fn list_areas(
        &self,
        parent: Option<AreaCode>,
        page: Page<i64>,
    ) -> Result<(Vec<area::Model>, String), Error> {
        let mut rows = area::below(self.db.read(), parent, page.after, page.limit()).await?;
        let next = page.cut(&mut rows, |row| *row.code.range().start())?;
        Ok((rows, next))
    }

    /// Takes an official table, CSV with the columns code, name, level and `parent_code`. Every row that is right is written,
    /// in one transaction; the same table again changes nothing. A parent must be kept already or stand in the table.
    pub async fn import_areas(&self, table: impl Read) -> Result<AreasOutcome, Error> {
        let mut outcome = AreasOutcome::default();
        let rows = read(table, &mut outcome)?;
        let kept: BTreeMap<AreaCode, area::Model> =
            area::within(self.db.read(), None).await?.into_iter().map(|row| (row.code, row)).collect();
        let named: BTreeMap<AreaCode, Option<AreaCode>> = rows.iter().map(|row| (row.code, row.parent)).collect();
        let mut write = Vec::new();
        for Row { line, code, name, parent } in rows {
            if let Some(missing) = missing_above(parent, &named, &kept) {
                let message = format!("the area {missing} above it is neither kept nor in the file: add it");
                reject(&mut outcome, line, "parent_code", message);
                continue;
            }
            let next = area::Model { code, name, parent };
            match kept.get(&code) {
                Some(same) if *same == next => outcome.unchanged += 1,
                Some(_) => {
                    outcome.updated += 1;
                    write.push(next);
                }
                None => {
                    outcome.created += 1;
                    write.push(next);
                }
            }
        }
        self.put_areas(write).await?;
        Ok(outcome)
    }

    async fn put_areas(&self, rows: Vec<area::Model>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let rows = rows.clone();
                Box::pin(async move {
                    for rows in rows.chunks(AT_ONCE) {
                        let newer = OnConflict::column(area::Column::Code)
                            .update_columns([area::Column::Name, area::Column::Parent])
                            .to_owned();
                        let rows = rows.iter().cloned().map(area::ActiveModel::from);
                        area::Entity::insert_many(rows).on_conflict(newer).exec_without_returning(tx).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// The first area above that nobody knows.
fn missing_above(
    mut parent: Option<AreaCode>,
    named: &BTreeMap<AreaCode, Option<AreaCode>>,
    kept: &BTreeMap<AreaCode, area::Model>,
) -> Option<AreaCode> {
    while let Some(code) = parent {
        if kept.contains_key(&code) {
            return None;
        }
        match named.get(&code) {
            Some(above) => parent = *above,
            None => return Some(code),
        }
    }
    None
}

fn reject(outcome: &mut AreasOutcome, line: u64, field: &'static str, message: String) {
    outcome.rejected += 1;
    outcome.problems.push(AreaProblem { line, field, message });
}

fn read(table: impl Read, outcome: &mut AreasOutcome) -> Result<Vec<Row>, Error> {
    let unreadable = |message: String| Error::field("file", "areas.table", message);
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(table);
    let header = table.headers().map_err(|e| unreadable(format!("is no CSV in UTF-8: {e}")))?.clone();
    let place = |name: &'static str| {
        let found = header.iter().position(|title| title.trim_start_matches('\u{FEFF}').trim() == name);
        found.ok_or_else(|| {
            unreadable(format!("has no column {name}: the first row must be code,name,level,parent_code"))
        })
    };
    let places = [place("code")?, place("name")?, place("level")?, place("parent_code")?];
    let mut rows: Vec<Row> = Vec::new();
    let mut seen = BTreeMap::new();
    for record in table.records() {
        let record = record.map_err(|e| unreadable(format!("cannot be read on: {e}")))?;
        outcome.rows += 1;
        if outcome.rows > MOST_ROWS as u64 {
            return Err(unreadable(format!("has more than {MOST_ROWS} rows: split it")));
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells = places.map(|at| record.get(at).unwrap_or_default());
        match judge(line, cells) {
            Err((field, message)) => reject(outcome, line, field, message),
            Ok(row) => match seen.insert(row.code, line) {
                Some(first) => reject(outcome, line, "code", format!("stands in line {first} already: remove one")),
                None => rows.push(row),
            },
        }
    }
    Ok(rows)
}

fn judge(line: u64, [code, name, level, parent]: [&str; 4]) -> Result<Row, (&'static str, String)> {
    let parse = |field: &'static str, text: &str| compact(text).parse::<AreaCode>().map_err(|e| (field, e.to_string()));
    let code = parse("code", code)?;
    let name = half_width(name).trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(is_forbidden) {
        return Err(("name", format!("needs 1 to {LONGEST_NAME} characters and no control characters")));
    }
    let stated = level_code(code.level());
    if level.trim() != stated {
        return Err(("level", format!("must be {stated}, as the code {code} says")));
    }
    let parent = if parent.trim().is_empty() { None } else { Some(parse("parent_code", parent)?) };
    if parent != code.parent() {
        let should = code.parent().map_or_else(|| "empty".to_owned(), |parent| parent.to_string());
        return Err(("parent_code", format!("must be {should}, as the code {code} says")));
    }
    Ok(Row { line, code, name, parent })
}

fn level_code(level: AreaLevel) -> &'static str {
    match level {
        AreaLevel::County => "county",
        AreaLevel::Subdistrict => "subdistrict",
        AreaLevel::Community => "community",
        AreaLevel::Grid => "grid",
    }
}
