//! Rows that wait for the commit.

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, Iterable,
    sea_query::{Alias, CommonTableExpression, Expr, InsertStatement, WithClause},
};

/// Postgres takes 65,535 parameters in a statement, SQLite 32,766.
const PARAMETERS: usize = 30_000;

/// Inserts that travel together. Rows of one table stay in one insert and in the order in which they came: the parts of a
/// Postgres statement with data-modifying CTEs run in no order that one may rely on (in fact backwards), and the outbox
/// numbers its rows as they are inserted.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Part>);

#[derive(Debug)]
struct Part {
    insert: InsertStatement,
    /// The table, and which of its columns are set; only rows alike in both fit into one insert.
    shape: Option<(&'static str, Vec<bool>)>,
    parameters: usize,
}

impl Rows {
    pub(super) fn push<A: ActiveModelTrait>(&mut self, mut row: A) {
        let taken: Vec<_> = <A::Entity as EntityTrait>::Column::iter().map(|c| (c, row.take(c))).collect();
        let set: Vec<bool> = taken.iter().map(|(_, value)| !matches!(value, ActiveValue::NotSet)).collect();
        let (columns, values): (Vec<_>, Vec<_>) =
            taken.into_iter().filter_map(|(c, v)| Some((c, c.save_as(Expr::val(v.into_value()?))))).unzip();
        let table = A::Entity::default().table_ref();
        let shape = (A::Entity::default().table_name(), set);
        let more = values.len();
        let fits = |part: &&mut Part| part.shape.as_ref() == Some(&shape) && part.parameters + more <= PARAMETERS;
        if let Some(part) = self.0.iter_mut().rev().find(fits) {
            part.insert.values_panic(values);
            part.parameters += more;
        } else {
            let mut insert = InsertStatement::new();
            insert.into_table(table).columns(columns).values_panic(values);
            self.0.push(Part { insert, shape: Some(shape), parameters: more });
        }
    }

    pub(super) fn push_statement(&mut self, insert: InsertStatement) {
        self.0.push(Part { insert, shape: None, parameters: 0 });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one statement can carry them all, with every table in it once.
    pub(super) fn fit_one_statement(&self) -> bool {
        self.0.iter().map(|part| part.parameters).sum::<usize>() <= PARAMETERS
    }

    /// Postgres: one statement with data-modifying CTEs. SQLite has none, and no round trip to save.
    pub(super) async fn send(mut self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        if connection.get_database_backend() != DbBackend::Postgres || !self.fit_one_statement() {
            for part in self.0 {
                connection.execute(&part.insert).await?;
            }
            return Ok(());
        }
        let Some(Part { insert: last, .. }) = self.0.pop() else { return Ok(()) };
        if self.0.is_empty() {
            return connection.execute(&last).await.map(|_| ());
        }
        let mut with = WithClause::new();
        for (i, part) in self.0.into_iter().enumerate() {
            with.cte(
                CommonTableExpression::new().table_name(Alias::new(format!("w{i}"))).query(part.insert).to_owned(),
            );
        }
        connection.execute(&with.query(last)).await.map(|_| ())
    }
}
