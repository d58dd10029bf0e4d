//! What may be shown, and can be reported publicly.

use chassis::Fault;

use crate::{
    App,
    domain::{
        CategoryCode,
        catalogue::{Catalogue, Category},
    },
    error::Error,
    store::catalogue as table,
};

/// A category that can be reported publicly, with what it takes from its groups.
#[derive(Clone, Debug)]
pub struct PublishedCategory {
    pub category: Category,
    pub group: Option<Category>,
}

impl App {
    /// What can be reported publicly, in the office's order.
    pub async fn published_categories(&self) -> Result<Vec<PublishedCategory>, Error> {
        let tree = table::all(self.db.read()).await?;
        let codes = tree.all().iter().map(|category| &category.code);
        Ok(codes.filter_map(|code| published(&tree, code)).collect())
    }

    /// One of them.
    pub async fn published_category(&self, code: &CategoryCode) -> Result<PublishedCategory, Error> {
        let tree = table::all(self.db.read()).await?;
        Ok(published(&tree, code).ok_or(Fault::NotFound("category"))?)
    }
}

fn published(tree: &Catalogue, code: &CategoryCode) -> Option<PublishedCategory> {
    let category = tree.usable(code).ok().filter(|category| category.details.publishable == Some(true))?;
    let group = code.parent().and_then(|group| tree.find(&group)).cloned();
    Some(PublishedCategory { category, group })
}

/// The codes under which something that was reported may be shown, also where nothing new is.
pub(super) fn shown_codes(tree: &Catalogue) -> Vec<String> {
    let whole = tree.all().iter().filter_map(|category| tree.resolved(&category.code));
    let shown = whole.filter(|category| category.details.publishable == Some(true));
    shown.map(|category| category.code.into()).collect()
}
