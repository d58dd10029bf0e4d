//! Computes the chain again and says what does not fit.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    chain::Head,
    checkpoint::Checkpoint,
    store::{Column, Entity, Model, head},
};
use crate::data::{Clock, Db};

const BATCH: u64 = 1_000;

/// An entry is sealed within seconds; one that waits longer than this was kept from it.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);

/// A chain without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Sealed entries.
    pub entries: u64,
    pub head: Head,
}

/// What is wrong with the log: somebody went around the program, or a wrong backup was restored.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    #[error("entry {seq} ({id}) is not what was sealed: it was changed or put in another place")]
    Altered { seq: i64, id: Uuid },
    #[error("entry {seq} ({id}) does not follow from the one before it: one of them was made anew")]
    Unlinked { seq: i64, id: Uuid },
    #[error("entry {seq} is missing: it was removed")]
    Missing { seq: i64 },
    #[error("entry {seq} ({id}) stands where another one is or beyond the end: it was put in")]
    Inserted { seq: i64, id: Uuid },
    #[error("the end of the log as audit_head has it is not the end of the entries: one of them was changed")]
    Head,
    #[error(
        "{count} entries wait to be sealed, the oldest since {oldest}: the sealer does not run, or was kept from them"
    )]
    Unsealed { count: u64, oldest: DateTime<Utc> },
    #[error(
        "the log ends at entry {found}, but the checkpoint of {at} saw entry {seq}: its end was removed, or an older \
         backup was restored"
    )]
    RolledBack { seq: i64, at: DateTime<Utc>, found: i64 },
    #[error("entry {seq} is not the one that the checkpoint of {at} saw: the log was made anew")]
    Rewritten { seq: i64, at: DateTime<Utc> },
    #[error("the log cannot be read")]
    Db(#[from] DbErr),
}

/// Reads the whole log and checks each entry, its link, the gaps, the end, and the checkpoint where one is given.
pub async fn verify(db: &Db, clock: &Clock, checkpoint: Option<&Checkpoint>) -> Result<Verified, AuditFault> {
    // Sealing goes on meanwhile: the last entry is read before the head, so that the head can only be further on.
    let last = Entity::find().filter(Column::Seq.is_not_null()).order_by_desc(Column::Seq).one(db.read()).await?;
    let end = end(db).await?;
    if let Some(Model { id, seq: Some(seq), .. }) = last
        && seq > end.seq
    {
        return Err(AuditFault::Inserted { seq, id });
    }
    let head = walk(db, end.seq, checkpoint).await?;
    if head.seq != end.seq {
        return Err(AuditFault::Missing { seq: head.seq + 1 });
    }
    if head != end {
        return Err(AuditFault::Head);
    }
    if let Some(checkpoint) = checkpoint
        && checkpoint.head().seq > head.seq
    {
        return Err(AuditFault::RolledBack { seq: checkpoint.head().seq, at: checkpoint.at(), found: head.seq });
    }
    waiting(db, clock.now() - LONGEST_WAIT).await?;
    Ok(Verified { entries: u64::try_from(head.seq).unwrap_or_default(), head })
}

async fn end(db: &Db) -> Result<Head, AuditFault> {
    let row = head::Entity::find_by_id(head::ONLY).one(db.read()).await?;
    let head::Model { id: _, seq, hash } = row.ok_or(AuditFault::Head)?;
    Ok(Head { seq, hash: hash.try_into().map_err(|_| AuditFault::Head)? })
}

/// Follows the chain up to the number `end`, and answers where it is then.
async fn walk(db: &Db, end: i64, checkpoint: Option<&Checkpoint>) -> Result<Head, AuditFault> {
    let mut head = Head::START;
    // Also finds numbers below 1.
    let mut above = i64::MIN;
    while head.seq < end || above == i64::MIN {
        let entries = Entity::find()
            .filter(Column::Seq.gt(above))
            .filter(Column::Seq.lte(end))
            .order_by_asc(Column::Seq)
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(db.read())
            .await?;
        let Some(last) = entries.last().and_then(|entry| entry.seq) else { break };
        above = last;
        for entry in &entries {
            head = follow(head, entry)?;
            if let Some(checkpoint) = checkpoint
                && checkpoint.head().seq == head.seq
                && checkpoint.head() != head
            {
                return Err(AuditFault::Rewritten { seq: head.seq, at: checkpoint.at() });
            }
        }
    }
    Ok(head)
}

/// One step from `head` to `entry`.
fn follow(head: Head, entry: &Model) -> Result<Head, AuditFault> {
    let (id, seq) = (entry.id, entry.seq.unwrap_or_default());
    let next = head.after(entry);
    if seq < next.seq {
        return Err(AuditFault::Inserted { seq, id });
    }
    if seq > next.seq {
        return Err(AuditFault::Missing { seq: next.seq });
    }
    if entry.prev.as_deref() != Some(&head.hash[..]) {
        return Err(AuditFault::Unlinked { seq, id });
    }
    if entry.hash.as_deref() != Some(&next.hash[..]) {
        return Err(AuditFault::Altered { seq, id });
    }
    Ok(next)
}

/// Entries without a number: none may be old, and none may have been sealed before.
async fn waiting(db: &Db, before: DateTime<Utc>) -> Result<(), AuditFault> {
    let pending = || Entity::find().filter(Column::Seq.is_null());
    let had_hash = Condition::any().add(Column::Hash.is_not_null()).add(Column::Prev.is_not_null());
    if let Some(entry) = pending().filter(had_hash).one(db.read()).await? {
        return Err(AuditFault::Altered { seq: 0, id: entry.id });
    }
    let old = || pending().filter(Column::At.lt(before));
    if let Some(oldest) = old().order_by_asc(Column::At).one(db.read()).await? {
        return Err(AuditFault::Unsealed { count: old().count(db.read()).await?, oldest: oldest.at });
    }
    Ok(())
}
