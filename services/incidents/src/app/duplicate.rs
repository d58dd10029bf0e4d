//! What may be the same problem: near, recent, and of the same or a related category.

use chassis::{Fault, access::Call, data::AreaCode};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{App, catalogue, parts::reach};
use crate::{
    domain::{
        CategoryCode, IncidentId,
        catalogue::{Catalogue, Category},
        near::Point,
    },
    error::Error,
    store::{
        catalogue as categories, incident,
        near::{self, Near, Wanted},
    },
};

const MOST: usize = 20;

/// Something that is about to be reported.
#[derive(Clone, Debug)]
pub struct Draft {
    pub area: AreaCode,
    pub category: CategoryCode,
    pub point: Point,
    /// None: now.
    pub at: Option<DateTime<Utc>>,
}

/// An incident that may be the same.
#[derive(Clone, Debug)]
pub struct Suggestion {
    pub near: Near,
    pub metres: f64,
    pub same_category: bool,
    /// How many reports are answered with it, its own among them.
    pub reports: i64,
}

impl App {
    /// What may be the same as a draft. Who is not of the office sees what may be published, where they may report.
    pub async fn suggest_duplicates(&self, call: &Call, draft: Draft) -> Result<Vec<Suggestion>, Error> {
        let Draft { area, category, point, at } = draft;
        let scope = call.scope();
        if !scope.admits_new(area) {
            return Err(Error::AreaNotGranted { field: "area_code" });
        }
        let category = catalogue::usable(self.db.read(), &category).await?;
        let at = at.unwrap_or_else(|| self.clock.now());
        let of_office = scope.areas.contain(area);
        self.near(&category, point, at, (Wanted::rows_of(scope, area), of_office), None).await
    }

    /// What may be the same as an incident; nothing where it has no category or nobody knows where it is.
    pub async fn duplicates_of(&self, call: &Call, id: IncidentId) -> Result<Vec<Suggestion>, Error> {
        let scope = reach(call);
        let row = incident::get(self.db.read(), &scope, id).await?;
        if !scope.areas.contain(row.area_code) {
            return Err(Fault::NotFound("incident").into());
        }
        let (Some(code), Some((latitude, longitude))) = (row.category, row.latitude.zip(row.longitude)) else {
            return Ok(Vec::new());
        };
        let category = catalogue::known(self.db.read(), &CategoryCode::recorded(code)).await?;
        let rows = (Wanted::rows_of(&scope, row.area_code), true);
        // What it was joined to is known to be the same.
        let known = |found: &Suggestion| Some(found.near.id) != row.duplicate_of;
        let point = Point { latitude, longitude };
        let found = self.near(&category, point, row.reported_at, rows, Some(id.0)).await?;
        Ok(found.into_iter().filter(known).collect())
    }

    async fn near(
        &self,
        category: &Category,
        point: Point,
        at: DateTime<Utc>,
        (rows, of_office): (sea_orm::Condition, bool),
        except: Option<Uuid>,
    ) -> Result<Vec<Suggestion>, Error> {
        let Some(nearness) = category.details.duplicates else { return Ok(Vec::new()) };
        let db = self.db.read();
        let tree = categories::all(db).await?;
        let categories = related(&tree, &category.code, of_office);
        if categories.is_empty() {
            return Ok(Vec::new());
        }
        let since = at - TimeDelta::days(nearness.days.into());
        let wanted = Wanted { point, metres: nearness.metres, since, categories, rows, except };
        let mut found: Vec<_> = near::find(db, &wanted)
            .await?
            .into_iter()
            .map(|near| Suggestion {
                metres: point.metres_to(Point { latitude: near.latitude, longitude: near.longitude }),
                same_category: near.category.as_deref() == Some(category.code.as_str()),
                reports: 1,
                near,
            })
            .filter(|found| found.metres <= f64::from(nearness.metres))
            .collect();
        found.sort_by(|a, b| a.metres.total_cmp(&b.metres).then(b.near.reported_at.cmp(&a.near.reported_at)));
        found.truncate(MOST);
        let leads: Vec<_> = found.iter().map(|found| found.near.id).collect();
        if !leads.is_empty() {
            let joined = near::joined(db, &leads).await?;
            for found in &mut found {
                found.reports += joined.get(&found.near.id).copied().unwrap_or(0);
            }
        }
        Ok(found)
    }
}

/// The category and those beside it in the same group, as far as each may have duplicates at all and may be shown.
fn related(tree: &Catalogue, code: &CategoryCode, of_office: bool) -> Vec<CategoryCode> {
    let beside = code.parent().map_or_else(|| vec![code.clone()], |group| tree.within(&group));
    let counts = |code: &CategoryCode| {
        tree.resolved(code).is_some_and(|category| {
            category.details.duplicates.is_some() && (of_office || category.details.publishable == Some(true))
        })
    };
    beside.into_iter().filter(counts).collect()
}
