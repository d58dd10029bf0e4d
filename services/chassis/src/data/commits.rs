//! Transactions that only add rows, committed together on Postgres.

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, sqlx};

use super::{Together, rows::Rows};

/// Statements under way at once: while one waits for the disk, the other runs. Measured once with 32 callers, against
/// pgbench: 67 % with 2, 50 % with 4, which make smaller groups, 44 % with 1 (docs/adr/0011).
const LANES: usize = 2;
/// Transactions in one statement.
const MOST: usize = 64;

/// Commits that wait at the same time become one statement: one round trip and one wait for the disk for all of them. Where
/// the database refuses it for what is in one of them, each is sent by itself, so that nobody hears of another's error.
#[derive(Debug)]
pub(super) struct Commits {
    connection: DatabaseConnection,
    together: Together<Rows, Sent>,
}

#[derive(Debug)]
enum Sent {
    Done(Result<(), DbErr>),
    /// Something in the group was refused.
    Alone(Rows),
}

impl Commits {
    pub(super) fn new(connection: DatabaseConnection) -> Self {
        Self { connection, together: Together::new(LANES, MOST) }
    }

    /// Writes the rows in a transaction of their own, or in one with others'.
    pub(super) async fn commit(&self, rows: Rows) -> Result<(), DbErr> {
        if !rows.are_plain() {
            return rows.send(&self.connection).await;
        }
        match self.together.ask(rows, |group| self.send(group)).await {
            Some(Sent::Done(outcome)) => outcome,
            Some(Sent::Alone(rows)) => rows.send(&self.connection).await,
            None => Err(DbErr::Custom("a commit with others was cut off".to_owned())),
        }
    }

    async fn send(&self, mut group: Vec<Rows>) -> Vec<Sent> {
        if group.len() == 1 {
            let alone = group.pop().unwrap_or_default();
            return vec![Sent::Done(alone.send(&self.connection).await)];
        }
        let mut all = Rows::default();
        for rows in &group {
            all.merge(rows.clone());
        }
        match all.send(&self.connection).await {
            Err(error) if is_answer(&error) => group.into_iter().map(Sent::Alone).collect(),
            outcome => group.into_iter().map(|_| Sent::Done(outcome.clone())).collect(),
        }
    }
}

/// Whether the database has refused the statement, and so has written nothing of it.
fn is_answer(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e))) = error else { return false };
    matches!(e.as_ref(), sqlx::Error::Database(_))
}
