//! What an area looks like in figures.

use std::collections::BTreeMap;

use chassis::data::AreaCode;
use chrono::{Datelike, Days, NaiveDate};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
    QueryTrait,
    sea_query::{Alias, CaseStatement, Expr, Func, Query, SelectStatement},
};

use super::App;
use crate::{
    Error,
    domain::{
        care::CareTag,
        figures::{AgeBand, Counted, Detail, Figures},
        person::{Registration, Sex},
        standing::Status,
    },
    store::{care_tag, resident},
};
use chassis::access::Scope;

/// The figures of an area on a day.
#[derive(Clone, Debug)]
pub struct FiguresOf {
    pub area: AreaCode,
    pub figures: Figures,
    pub as_of: NaiveDate,
}

impl App {
    /// Figures of any area, for anybody: small counts are hidden from whoever may not see the rows behind them.
    pub async fn figures(&self, scope: &Scope, area: AreaCode) -> Result<FiguresOf, Error> {
        let as_of = self.today();
        let counted = count(self.db.read(), area, as_of).await?;
        let detail = if scope.areas.contain(area) { Detail::Full } else { Detail::Suppressed };
        Ok(FiguresOf { area, figures: Figures::of(&counted, detail), as_of })
    }
}

#[derive(FromQueryResult)]
struct Group {
    band: i32,
    sex: Sex,
    registration: Option<Registration>,
    people: i64,
}

#[derive(FromQueryResult)]
struct Tagged {
    kind: CareTag,
    people: i64,
}

#[derive(FromQueryResult)]
struct HouseholdSize {
    members: i64,
    households: i64,
}

async fn count(db: &impl ConnectionTrait, area: AreaCode, today: NaiveDate) -> Result<Counted, Error> {
    let mut counted = Counted::default();
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let backend = db.get_database_backend();
    for row in Group::find_by_statement(backend.build(&people(area, today))).all(db).await? {
        let band = AgeBand::of_age(u32::try_from(row.band).unwrap_or_default());
        *counted.people.entry((band, row.sex)).or_default() += number(row.people);
        if let Some(registration) = row.registration {
            *counted.registrations.entry(registration).or_default() += number(row.people);
        }
    }
    let tagged = care_tag::Entity::find()
        .select_only()
        .column(care_tag::Column::Kind)
        .column_as(care_tag::Column::ResidentId.count(), "people")
        .join(JoinType::InnerJoin, care_tag::to_resident())
        .filter(living(area))
        .filter(care_tag::holds_on(today))
        .group_by(care_tag::Column::Kind);
    let tagged: Vec<Tagged> = tagged.into_model().all(db).await?;
    counted.care = tagged.into_iter().map(|row| (row.kind, number(row.people))).collect();
    let sizes = HouseholdSize::find_by_statement(backend.build(&household_sizes(area))).all(db).await?;
    counted.household_sizes = sizes
        .into_iter()
        .map(|row| (u32::try_from(row.members).unwrap_or(u32::MAX), number(row.households)))
        .collect::<BTreeMap<_, _>>();
    Ok(counted)
}

fn living(area: AreaCode) -> Condition {
    area.holds(resident::Column::AreaCode).add(resident::Column::State.eq(Status::Living))
}

/// People by band, sex and registration. The band is worked out in a query of its own: Postgres does not take an
/// expression with parameters for the same one when it is grouped by.
fn people(area: AreaCode, today: NaiveDate) -> SelectStatement {
    let mut band = CaseStatement::new();
    for older in AgeBand::all().skip(1) {
        let younger = older.from_age() - 5;
        let born_after = resident::Column::BirthDate.gt(birthday(today, older.from_age()));
        band = band.case(born_after, i32::try_from(younger).unwrap_or_default());
    }
    let band = band.finally(100);
    let inner = resident::Entity::find()
        .select_only()
        .expr_as(band, "band")
        .column(resident::Column::Sex)
        .column(resident::Column::Registration)
        .filter(living(area))
        .into_query();
    let words = ["band", "sex", "registration"].map(Alias::new);
    Query::select()
        .columns(words.clone())
        .expr_as(Func::count(Expr::col(Alias::new("band"))), Alias::new("people"))
        .from_subquery(inner, Alias::new("person"))
        .group_by_columns(words)
        .to_owned()
}

/// The last day of birth of whoever is `years` old today: as [`age_on`](crate::domain::person::age_on) counts.
fn birthday(today: NaiveDate, years: u32) -> NaiveDate {
    let year = today.year() - i32::try_from(years).unwrap_or_default();
    let same = today.with_year(year);
    same.or_else(|| NaiveDate::from_ymd_opt(year, 3, 1)?.checked_sub_days(Days::new(1))).unwrap_or(today)
}

fn household_sizes(area: AreaCode) -> SelectStatement {
    let (size, households) = (Alias::new("members"), Alias::new("households"));
    let inner = resident::Entity::find()
        .select_only()
        .expr_as(Func::count(Expr::col(resident::Column::Id)), "members")
        .filter(living(area))
        .filter(resident::Column::HouseholdId.is_not_null())
        .group_by(resident::Column::HouseholdId)
        .into_query();
    Query::select()
        .column(size.clone())
        .expr_as(Func::count(Expr::col(size.clone())), households)
        .from_subquery(inner, Alias::new("home"))
        .group_by_col(size)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::birthday;
    use crate::domain::person::age_on;

    proptest! {
        /// The query and the rule agree on who is how old, on every day.
        #[test]
        fn whoever_was_born_after_is_younger(today in 730_000i32..740_000, back in 0i32..36_000, years in 1u32..100) {
            let today = NaiveDate::from_num_days_from_ce_opt(today);
            let born = today.and_then(|today| NaiveDate::from_num_days_from_ce_opt(chrono::Datelike::num_days_from_ce(&today) - back));
            if let (Some(today), Some(born)) = (today, born) {
                let is_younger = age_on(born, today).is_none_or(|age| age < years);
                prop_assert_eq!(born > birthday(today, years), is_younger);
            }
        }
    }
}
