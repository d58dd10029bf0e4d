//! The office's tree of categories: read, kept, and asked what a report may say.

use chassis::{
    Fault,
    access::{Areas, Call},
    data::{Tx, check_etag},
};
use sea_orm::ConnectionTrait;
use serde::Serialize;

use super::App;
use crate::{
    domain::{
        CategoryCode, Urgency,
        catalogue::{self, Answer, Catalogue, Category, FileProblem, Stage, check_answers},
    },
    error::Error,
    store::catalogue::{self as table, Model},
};

/// A category on its way to a caller, with what it takes from its groups.
#[derive(Clone, Debug)]
pub struct ShownCategory {
    pub category: Category,
    pub is_group: bool,
    pub version: i64,
    /// Whether the caller belongs to the office and reads which units handle it.
    pub of_office: bool,
}

/// What came of a file of categories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CategoriesOutcome {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Those that the file does not name; they stay as they are.
    pub untouched: u64,
}

impl App {
    /// One category.
    pub async fn category(&self, call: &Call, code: &CategoryCode) -> Result<ShownCategory, Error> {
        shown(call, &table::rows(self.db.read()).await?, code)
    }

    /// The tree, or what is in one group.
    pub async fn categories(
        &self,
        call: &Call,
        group: Option<&CategoryCode>,
        include_retired: bool,
    ) -> Result<Vec<ShownCategory>, Error> {
        let rows = table::rows(self.db.read()).await?;
        let tree = tree(&rows)?;
        let wanted = tree.all().iter().filter(|category| {
            (include_retired || !category.retired) && group.is_none_or(|group| group.contains(&category.code))
        });
        wanted.map(|category| shown(call, &rows, &category.code)).collect()
    }

    /// Adds a category behind all others.
    pub async fn create_category(&self, call: &Call, category: Category) -> Result<ShownCategory, Error> {
        self.keep(call, category.code.clone(), move |tree, standing| {
            if standing.is_some() {
                return Err(field("code", "is in use: choose another, or change the one that there is"));
            }
            let last = tree.all().iter().map(|other| other.position).max().unwrap_or(0);
            checked(tree, Category { position: last + 1, ..category.clone() })
        })
        .await
    }

    /// Replaces everything about a category but its place and whether it is retired.
    pub async fn update_category(&self, call: &Call, category: Category, etag: &str) -> Result<ShownCategory, Error> {
        let etag = etag.to_owned();
        self.keep(call, category.code.clone(), move |tree, standing| {
            let (standing, version) = standing.ok_or(Fault::NotFound("category"))?;
            check_etag(&etag, version)?;
            checked(tree, Category { details: category.details.clone(), ..standing })
        })
        .await
    }

    /// Takes a category out of use, or back into it.
    pub async fn retire_category(
        &self,
        call: &Call,
        code: CategoryCode,
        retired: bool,
        etag: &str,
    ) -> Result<ShownCategory, Error> {
        let etag = etag.to_owned();
        self.keep(call, code, move |tree, standing| {
            let (standing, version) = standing.ok_or(Fault::NotFound("category"))?;
            check_etag(&etag, version)?;
            if retired && tree.is_group(&standing.code) {
                return Err(field("code", "is a group that holds others in use: retire these first"));
            }
            Ok(Category { retired, ..standing })
        })
        .await
    }

    /// Takes over a file of categories, whole or not at all. What it does not name stays as it is.
    pub async fn import_categories(&self, text: &str) -> Result<Result<CategoriesOutcome, Vec<FileProblem>>, Error> {
        let categories = match catalogue::read(text) {
            Ok(categories) => categories,
            Err(problems) => return Ok(Err(problems)),
        };
        let write = self.db.write(move |tx| {
            let categories = categories.clone();
            Box::pin(async move { take_over(tx, &categories).await })
        });
        Ok(Ok(write.await?))
    }

    /// The codes of a category, or of a group and all that is in it, also where they are no longer used.
    pub(super) async fn codes_within(&self, group: &CategoryCode) -> Result<Vec<String>, Error> {
        let codes = table::codes_within(self.db.read(), group).await?;
        if codes.is_empty() {
            return Err(
                Fault::field("category", "category", format!("is `{group}`, which is not in the catalogue")).into()
            );
        }
        Ok(codes)
    }

    /// Reads the tree, lets `change` decide what becomes of one category, and writes that.
    async fn keep<F>(&self, call: &Call, code: CategoryCode, change: F) -> Result<ShownCategory, Error>
    where
        F: Fn(&Catalogue, Option<(Category, i64)>) -> Result<Category, Error> + Clone + Send + Sync + 'static,
    {
        let call = call.clone();
        let write = self.db.write(move |tx| {
            let (call, code, change) = (call.clone(), code.clone(), change.clone());
            Box::pin(async move {
                let rows = table::rows(tx).await?;
                let tree = tree(&rows)?;
                let row = rows.iter().find(|row| row.code == code.as_str());
                let standing = row.map(|row| Ok::<_, Fault>((row.category()?, row.version))).transpose()?;
                let version = row.map_or(0, |row| row.version);
                let next = change(&tree, standing.clone())?;
                if standing.as_ref().map(|(category, _)| category) != Some(&next) {
                    table::put(tx, &next, version + 1).await?;
                }
                shown(&call, &table::rows(tx).await?, &code)
            })
        });
        write.await
    }
}

async fn take_over(tx: &Tx, categories: &[Category]) -> Result<CategoriesOutcome, Error> {
    let rows = table::rows(tx).await?;
    let mut outcome = CategoriesOutcome::default();
    for category in categories {
        let row = rows.iter().find(|row| row.code == category.code.as_str());
        match row {
            None => outcome.created += 1,
            Some(row) if row.category()? == *category => {
                outcome.unchanged += 1;
                continue;
            }
            Some(_) => outcome.updated += 1,
        }
        table::put(tx, category, row.map_or(0, |row| row.version) + 1).await?;
    }
    let named = |row: &&Model| categories.iter().any(|category| category.code.as_str() == row.code);
    outcome.untouched = (rows.len() - rows.iter().filter(named).count()) as u64;
    Ok(outcome)
}

fn tree(rows: &[Model]) -> Result<Catalogue, Fault> {
    Ok(Catalogue::new(rows.iter().map(Model::category).collect::<Result<_, _>>()?))
}

fn shown(call: &Call, rows: &[Model], code: &CategoryCode) -> Result<ShownCategory, Error> {
    let tree = tree(rows)?;
    let missing = Fault::NotFound("category");
    let (Some(category), Some(row)) = (tree.resolved(code), rows.iter().find(|row| row.code == code.as_str())) else {
        return Err(missing.into());
    };
    let of_office = call.scope().areas != Areas::Within(Vec::new());
    Ok(ShownCategory { category, is_group: tree.is_group(code), version: row.version, of_office })
}

fn checked(tree: &Catalogue, category: Category) -> Result<Category, Error> {
    if let Some(group) = category.code.parent()
        && tree.find(&group).is_none_or(|group| group.retired)
    {
        return Err(field("code", "has no group in use: make the group first"));
    }
    let mut problem = None;
    category.details.check(&mut |name, rule| {
        problem.get_or_insert_with(|| field(name, &rule));
    });
    problem.map_or(Ok(category), Err)
}

fn field(name: &str, rule: &str) -> Error {
    Fault::field(format!("category.{name}"), "category", rule).into()
}

/// The category that a report or an assessment names, if it may be named.
pub(super) async fn usable(db: &impl ConnectionTrait, code: &CategoryCode) -> Result<Category, Error> {
    let found = table::all(db).await?.usable(code);
    found.map_err(|unusable| Fault::field("category", "category", unusable.to_string()).into())
}

/// A category that an incident has, also where it is no longer used.
pub(super) async fn known(db: &impl ConnectionTrait, code: &CategoryCode) -> Result<Category, Error> {
    let found = table::all(db).await?.resolved(code);
    let gone =
        || Fault::field("category", "category", format!("is `{code}`, which is not in the catalogue: choose another"));
    found.ok_or_else(|| gone().into())
}

/// Whether the answers will do for the category at this stage.
pub(super) fn check(category: &Category, answers: &[Answer], stage: Stage) -> Result<(), Error> {
    let checked = check_answers(&category.details.questions, answers, stage);
    checked.map_err(|problem| Fault::field("answers", "answers", problem.to_string()).into())
}

/// What the desk must have asked when it calls something this urgent.
pub(super) const fn stage_of(urgency: Urgency) -> Stage {
    match urgency {
        Urgency::Emergency => Stage::Emergency,
        Urgency::Routine | Urgency::Urgent => Stage::Triage,
    }
}
