//! Rows that wait for the commit.

use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable,
    sea_query::{Alias, CommonTableExpression, Expr, ExprTrait, Func, InsertStatement, Query, Value, WithClause},
};

use super::json;

/// SQLite takes 32,766 parameters in a statement.
const PARAMETERS: usize = 30_000;

/// Inserts that travel together. Rows of one table stay in one insert and in the order in which they came: the parts of a
/// Postgres statement with data-modifying CTEs run in no order that one may rely on (in fact backwards), and the outbox
/// numbers its rows as they are inserted.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Alike(Alike),
    Statement(Box<InsertStatement>),
}

/// Rows of one table with the same columns set.
#[derive(Clone, Debug)]
struct Alike {
    table: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    pub(super) fn push<A: ActiveModelTrait>(&mut self, mut row: A) {
        let columns = <A::Entity as EntityTrait>::Column::iter();
        let set = columns.filter_map(|column| match row.take(column) {
            ActiveValue::NotSet => None,
            ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some((column.as_str(), value)),
        });
        let (columns, values) = set.unzip();
        self.add(Alike { table: A::Entity::default().table_name(), columns, rows: vec![values] });
    }

    pub(super) fn push_statement(&mut self, insert: InsertStatement) {
        self.0.push(Part::Statement(Box::new(insert)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they are rows and nothing else, so that others' rows may travel with them.
    pub(super) fn are_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Alike(_)))
    }

    /// Takes others' rows along.
    pub(super) fn merge(&mut self, others: Self) {
        for part in others.0 {
            match part {
                Part::Alike(rows) => self.add(rows),
                statement @ Part::Statement(_) => self.0.push(statement),
            }
        }
    }

    fn add(&mut self, more: Alike) {
        let alike = self.0.iter_mut().find_map(|part| match part {
            Part::Alike(rows) if rows.table == more.table && rows.columns == more.columns => Some(rows),
            _ => None,
        });
        match alike {
            Some(rows) => rows.rows.extend(more.rows),
            None => self.0.push(Part::Alike(more)),
        }
    }

    /// Postgres: one statement with data-modifying CTEs. SQLite has none, and no round trip to save.
    pub(super) async fn send(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        if connection.get_database_backend() != DbBackend::Postgres {
            for insert in self.0.into_iter().flat_map(Part::in_pieces) {
                connection.execute(&insert).await?;
            }
            return Ok(());
        }
        let mut inserts: Vec<InsertStatement> = self.0.into_iter().map(Part::at_once).collect();
        let Some(last) = inserts.pop() else { return Ok(()) };
        if inserts.is_empty() {
            return connection.execute(&last).await.map(|_| ());
        }
        let mut with = WithClause::new();
        for (i, insert) in inserts.into_iter().enumerate() {
            with.cte(CommonTableExpression::new().table_name(Alias::new(format!("w{i}"))).query(insert).to_owned());
        }
        connection.execute(&with.query(last)).await.map(|_| ())
    }
}

impl Part {
    fn at_once(self) -> InsertStatement {
        match self {
            Self::Alike(rows) => rows.at_once(),
            Self::Statement(insert) => *insert,
        }
    }

    fn in_pieces(self) -> Vec<InsertStatement> {
        match self {
            Self::Alike(rows) => rows.in_pieces(),
            Self::Statement(insert) => vec![*insert],
        }
    }
}

impl Alike {
    /// For Postgres. Several rows are one parameter, a JSON text: whatever their number, the statement is the same, so it is
    /// parsed and planned once, and a thousand rows are no thirty thousand parameters.
    fn at_once(self) -> InsertStatement {
        let text = if self.rows.len() > 1 { json::table(&self.columns, &self.rows) } else { None };
        let mut insert = self.insert();
        let Some(text) = text else {
            for row in self.rows {
                insert.values_panic(row.into_iter().map(Expr::val));
            }
            return insert;
        };
        let of_table = Expr::cust(format!("NULL::\"{}\"", self.table));
        let rows = Func::cust("json_populate_recordset").args([of_table, Expr::val(text).cast_as("json")]);
        let select = Query::select().columns(self.columns).from_function(rows, "rows").to_owned();
        // Fails only where the two lists of columns differ in length.
        let _ = insert.select_from(select);
        insert
    }

    /// For SQLite: as many at a time as it takes parameters.
    fn in_pieces(self) -> Vec<InsertStatement> {
        let most = (PARAMETERS / self.columns.len().max(1)).max(1);
        let pieces = self.rows.chunks(most).map(|rows| {
            let mut insert = self.insert();
            for row in rows {
                insert.values_panic(row.iter().cloned().map(Expr::val));
            }
            insert
        });
        pieces.collect()
    }

    fn insert(&self) -> InsertStatement {
        Query::insert().into_table(self.table).columns(self.columns.iter().copied()).to_owned()
    }
}
