//! One write transaction.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sea_query::InsertStatement, sqlx,
};
use tokio::sync::{Notify, OnceCell};

use super::{commits::Commits, rows::Rows};

/// What runs in a transaction: a boxed future that borrows it.
pub type Work<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// A write transaction. It is begun by the first statement that needs it; entities read and write through it as through a
/// connection.
///
/// Rows that nobody reads before the commit (timeline, outbox, audit, idempotency) are given to [`append`](Self::append):
/// they travel together at the commit. On Postgres that is one statement, and where nothing else was executed it is the
/// whole transaction, in one round trip, which it may share with others that are committed at the same time.
#[derive(Debug)]
pub struct Tx {
    connection: DatabaseConnection,
    commits: Arc<Commits>,
    open: OnceCell<DatabaseTransaction>,
    appended: Mutex<Rows>,
    wakes: Mutex<Vec<Arc<Notify>>>,
    may_retry: AtomicBool,
}

impl Tx {
    pub(super) fn new(connection: DatabaseConnection, commits: Arc<Commits>) -> Self {
        Self {
            connection,
            commits,
            open: OnceCell::new(),
            appended: Mutex::default(),
            wakes: Mutex::default(),
            may_retry: AtomicBool::new(false),
        }
    }

    /// Writes a row at the commit; rows of one table in the order in which they were given. A unique or foreign key that it
    /// breaks is told by the commit.
    pub fn append<A: ActiveModelTrait>(&self, row: A) {
        self.appended.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    /// Writes rows at the commit, in no order with others.
    pub fn append_statement(&self, insert: InsertStatement) {
        self.appended.lock().unwrap_or_else(PoisonError::into_inner).push_statement(insert);
    }

    /// Wakes a task once this transaction is committed.
    pub fn wake(&self, task: &Arc<Notify>) {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(task));
    }

    /// Sends the appended rows now, for a statement that must see them.
    pub async fn flush(&self) -> Result<(), DbErr> {
        let rows = self.take_appended();
        if rows.is_empty() {
            return Ok(());
        }
        self.note(rows.send(self.open().await?).await)
    }

    /// Sends what was appended and commits. On failure, also says whether a second try may cure it.
    pub(super) async fn commit(mut self) -> Result<(), (DbErr, bool)> {
        let rows = self.take_appended();
        let postgres = self.connection.get_database_backend() == DbBackend::Postgres;
        let outcome = if self.open.get().is_none() && postgres && !rows.is_empty() {
            // Nothing was read or written yet: one statement is a transaction of its own.
            self.note(self.commits.commit(rows).await)
        } else {
            let outcome = self.commit_open(rows).await;
            self.note(outcome)
        };
        outcome.map_err(|e| (e, self.may_retry()))?;
        for task in self.wakes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.notify_one();
        }
        Ok(())
    }

    async fn commit_open(&mut self, rows: Rows) -> Result<(), DbErr> {
        if !rows.is_empty() {
            rows.send(self.open().await?).await?;
        }
        match self.open.take() {
            Some(open) => open.commit().await,
            None => Ok(()),
        }
    }

    /// Takes everything back. Done here and never left to the transaction's `Drop`, which panics where its connection is
    /// locked. Says whether a second try may cure what failed.
    pub(super) async fn roll_back(mut self) -> bool {
        if let Some(open) = self.open.take()
            && let Err(error) = open.rollback().await
        {
            tracing::debug!(%error, "roll-back failed; the connection is given up");
        }
        self.may_retry()
    }

    fn may_retry(&self) -> bool {
        self.may_retry.load(Ordering::Relaxed)
    }

    fn take_appended(&self) -> Rows {
        std::mem::take(&mut *self.appended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn open(&self) -> Result<&DatabaseTransaction, DbErr> {
        let begin = || async {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            self.connection.begin_with_options(options).await
        };
        self.open.get_or_try_init(begin).await
    }

    fn note<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if outcome.as_ref().is_err_and(is_transient) {
            self.may_retry.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.open().await?.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.open().await?.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(self.open().await?.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.open().await?.query_all_raw(statement).await)
    }
}

/// Serialization failure and deadlock: the database asks for another try.
fn is_transient(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e))) = error else { return false };
    let sqlx::Error::Database(e) = e.as_ref() else { return false };
    matches!(e.code().as_deref(), Some("40001" | "40P01"))
}
