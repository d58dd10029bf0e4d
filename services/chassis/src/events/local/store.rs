//! The statements of the log. Times are microseconds since 1970.

use std::fmt::Write as _;

use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, QueryResult, Statement, Value,
    sea_query::OnConflict,
};

use super::schema::{ActiveModel, Column, Entity, Model};
use crate::{
    data::Tx,
    events::{Event, ParkedId, subject::Pattern},
};

/// Rows in one INSERT; measured flat from 50 to 500.
const CHUNK: usize = 200;

/// An event that a consumer has now, and for which time.
pub(super) struct Claimed {
    pub(super) event: Model,
    pub(super) attempt: u32,
}

/// A claim of a consumer.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) consumer: String,
    pub(super) patterns: Vec<Pattern>,
    pub(super) most: usize,
    pub(super) now: i64,
    /// When the claim ends and the events may be claimed again.
    pub(super) until: i64,
}

/// A delivery that was done with.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) consumer: String,
    pub(super) seq: i64,
    pub(super) attempt: u32,
}

pub(super) fn sql<const N: usize>(text: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, text, values)
}

/// Keeps events in order, each id once.
pub(super) async fn append(tx: &Tx, events: &[Event], now: i64) -> Result<(), DbErr> {
    for chunk in events.chunks(CHUNK) {
        let rows = chunk.iter().map(|event| {
            let Event { id, kind, source, subject, key, version, at, trace, data } = event.clone();
            ActiveModel {
                seq: NotSet,
                id: Set(id),
                kind: Set(kind),
                source: Set(source),
                subject: Set(subject),
                key: Set(key),
                version: Set(version),
                at: Set(at),
                trace: Set(trace),
                data: Set(data),
                kept_at: Set(now),
            }
        });
        let once = OnConflict::column(Column::Id).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(once).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Forgets what was kept before `before`, every consumer has passed, and nobody has pending or parked.
pub(super) async fn prune(tx: &Tx, before: i64) -> Result<(), DbErr> {
    let old = "DELETE FROM event WHERE kept_at < ?
        AND seq <= (SELECT COALESCE(MIN(cursor), 0) FROM consumer)
        AND seq NOT IN (SELECT seq FROM pending) AND seq NOT IN (SELECT seq FROM parked)";
    tx.execute_raw(sql(old, [before.into()])).await.map(|_| ())
}

/// Makes the consumer, or gives it other subjects.
pub(super) async fn subscribe(tx: &Tx, consumer: &str, subjects: &str) -> Result<(), DbErr> {
    let upsert = "INSERT INTO consumer (name, cursor, subjects) VALUES (?, 0, ?)
        ON CONFLICT (name) DO UPDATE SET subjects = excluded.subjects";
    tx.execute_raw(sql(upsert, [consumer.into(), subjects.into()])).await.map(|_| ())
}

/// The subjects and the cursor of a consumer.
pub(super) async fn consumer(db: &impl ConnectionTrait, name: &str) -> Result<Option<(String, i64)>, DbErr> {
    let find = sql("SELECT subjects, cursor FROM consumer WHERE name = ?", [name.into()]);
    let row = db.query_one_raw(find).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}

/// The number of the newest event.
pub(super) async fn newest(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    number(db, sql("SELECT COALESCE(MAX(seq), 0) FROM event", [])).await
}

/// Whether a claim may find something behind `seen`. It may say so in vain: it looks at the fixed start of a subject only.
pub(super) async fn may_find(db: &impl ConnectionTrait, claim: &Claim, seen: i64) -> Result<bool, DbErr> {
    let (chosen, mut values) = chosen(&claim.patterns);
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM event WHERE {chosen} AND seq > ?)
            OR EXISTS (SELECT 1 FROM pending WHERE consumer = ? AND visible_at <= ?)"
    );
    values.extend([seen.into(), claim.consumer.as_str().into(), claim.now.into()]);
    let found = number(db, Statement::from_sql_and_values(DbBackend::Sqlite, text, values)).await?;
    Ok(found != 0)
}

/// Takes what comes again and what is new, the oldest first, and moves the cursor over it.
pub(super) async fn claim(tx: &Tx, claim: &Claim) -> Result<Vec<Claimed>, DbErr> {
    let mut claimed = again(tx, claim).await?;
    if claimed.len() < claim.most {
        claimed.extend(fresh(tx, claim, claim.most - claimed.len()).await?);
    }
    Ok(claimed)
}

async fn again(tx: &Tx, claim: &Claim) -> Result<Vec<Claimed>, DbErr> {
    let (consumer, now) = (Value::from(claim.consumer.as_str()), Value::from(claim.now));
    let most = Value::from(count(claim.most));
    let find = "SELECT e.*, p.attempt + 1 AS attempt FROM pending p JOIN event e ON e.seq = p.seq
        WHERE p.consumer = ? AND p.visible_at <= ? ORDER BY p.seq LIMIT ?";
    let rows = tx.query_all_raw(sql(find, [consumer.clone(), now.clone(), most.clone()])).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let take = "UPDATE pending SET attempt = attempt + 1, visible_at = ? WHERE consumer = ? AND seq IN
        (SELECT seq FROM pending WHERE consumer = ? AND visible_at <= ? ORDER BY seq LIMIT ?)";
    tx.execute_raw(sql(take, [claim.until.into(), consumer.clone(), consumer, now, most])).await?;
    let read = |row: &QueryResult| {
        let attempt: i64 = row.try_get("", "attempt")?;
        Ok(Claimed { event: Model::from_query_result(row, "")?, attempt: u32::try_from(attempt).unwrap_or(u32::MAX) })
    };
    rows.iter().map(read).collect()
}

async fn fresh(tx: &Tx, claim: &Claim, most: usize) -> Result<Vec<Claimed>, DbErr> {
    let Some((_, mut cursor)) = consumer(tx, &claim.consumer).await? else { return Ok(Vec::new()) };
    let (start, newest) = (cursor, newest(tx).await?);
    let (chosen, values) = chosen(&claim.patterns);
    let text = format!("SELECT * FROM event WHERE {chosen} AND seq > ? ORDER BY seq LIMIT ?");
    let mut taken = Vec::new();
    while taken.is_empty() && cursor < newest {
        let mut values = values.clone();
        values.extend([cursor.into(), count(most).into()]);
        let page = Statement::from_sql_and_values(DbBackend::Sqlite, &text, values);
        let rows = Entity::find().from_raw_sql(page).all(tx).await?;
        cursor = if rows.len() < most { newest } else { rows.last().map_or(newest, |row| row.seq) };
        taken.extend(rows.into_iter().filter(|row| claim.patterns.iter().any(|p| p.matches(&row.subject))));
    }
    if cursor > start {
        let advance = "UPDATE consumer SET cursor = ? WHERE name = ?";
        tx.execute_raw(sql(advance, [cursor.into(), claim.consumer.as_str().into()])).await?;
    }
    if !taken.is_empty() {
        let numbers = numbers(taken.iter().map(|row| row.seq));
        let hold = "INSERT INTO pending (consumer, seq, attempt, visible_at) SELECT ?, value, 1, ? FROM json_each(?)";
        tx.execute_raw(sql(hold, [claim.consumer.as_str().into(), claim.until.into(), numbers.into()])).await?;
    }
    Ok(taken.into_iter().map(|event| Claimed { event, attempt: 1 }).collect())
}

/// Takes done deliveries off. A newer attempt of the same event is done with it; one that was given again from the parked
/// ones, which counts from 0, is not.
pub(super) async fn finish(tx: &Tx, done: &[Done]) -> Result<(), DbErr> {
    let delete = "DELETE FROM pending WHERE consumer = ? AND seq = ? AND attempt >= ?";
    for Done { consumer, seq, attempt } in done {
        tx.execute_raw(sql(delete, [consumer.as_str().into(), (*seq).into(), (*attempt).into()])).await?;
    }
    Ok(())
}

/// Lets a delivery come again at `at`, unless its time has run out and somebody else has it now.
pub(super) async fn postpone(tx: &Tx, delivery: &Done, at: i64) -> Result<(), DbErr> {
    let update = "UPDATE pending SET visible_at = ? WHERE consumer = ? AND seq = ? AND attempt = ?";
    let Done { consumer, seq, attempt } = delivery;
    let values = [at.into(), consumer.as_str().into(), (*seq).into(), (*attempt).into()];
    tx.execute_raw(sql(update, values)).await.map(|_| ())
}

/// How many events the consumer has before it, given ones included.
pub(super) async fn lag(
    db: &impl ConnectionTrait,
    consumer: &str,
    patterns: &[Pattern],
    cursor: i64,
) -> Result<u64, DbErr> {
    let pending = number(db, sql("SELECT COUNT(*) FROM pending WHERE consumer = ?", [consumer.into()])).await?;
    let (chosen, mut values) = chosen(patterns);
    values.push(cursor.into());
    let text = format!("SELECT subject, COUNT(*) FROM event WHERE {chosen} AND seq > ? GROUP BY subject");
    let mut lag = pending;
    for row in db.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, text, values)).await? {
        let (subject, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if patterns.iter().any(|p| p.matches(&subject)) {
            lag += count;
        }
    }
    Ok(u64::try_from(lag).unwrap_or_default())
}

/// Gives a parked event to its consumer again; false where there is none of this id.
pub(super) async fn retry(tx: &Tx, id: ParkedId) -> Result<bool, DbErr> {
    let again = "INSERT OR REPLACE INTO pending (consumer, seq, attempt, visible_at)
        SELECT consumer, seq, 0, 0 FROM parked WHERE id = ?";
    tx.execute_raw(sql(again, [count(id).into()])).await?;
    drop_parked(tx, id).await
}

/// Takes it off the list; false where there is none of this id.
pub(super) async fn drop_parked(tx: &Tx, id: ParkedId) -> Result<bool, DbErr> {
    let outcome = tx.execute_raw(sql("DELETE FROM parked WHERE id = ?", [count(id).into()])).await?;
    Ok(outcome.rows_affected() > 0)
}

/// A condition that every matching subject meets, and its values. It compares the start up to the first wildcard as a
/// range: such a start ends with a dot, and `/` is the character after it.
pub(super) fn chosen(patterns: &[Pattern]) -> (String, Vec<Value>) {
    let mut text = String::from("(0");
    let mut values = Vec::new();
    for pattern in patterns {
        let prefix = pattern.prefix();
        match prefix.strip_suffix('.') {
            Some(start) => {
                let _ = write!(text, " OR (subject > ? AND subject < ?)");
                values.extend([Value::from(prefix), format!("{start}/").into()]);
            }
            None if prefix.is_empty() => text.push_str(" OR 1"),
            None => {
                text.push_str(" OR subject = ?");
                values.push(prefix.into());
            }
        }
    }
    text.push(')');
    (text, values)
}

pub(super) async fn number(db: &impl ConnectionTrait, statement: Statement) -> Result<i64, DbErr> {
    match db.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(0),
    }
}

/// A JSON list, so that a statement has one parameter however many numbers there are.
fn numbers(list: impl Iterator<Item = i64>) -> String {
    format!("[{}]", list.map(|n| n.to_string()).collect::<Vec<_>>().join(","))
}

/// SQLite knows signed numbers only. No row and no page is beyond them.
pub(super) fn count(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}
