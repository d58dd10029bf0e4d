//! The data keys of one database, opened and ready.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use sea_orm::{
    ActiveValue::{Set, Unchanged},
    DbErr, EntityTrait, QueryOrder, SqlErr,
    entity::prelude::*,
    sea_query::{Expr, OnConflict},
};
use zeroize::Zeroizing;

use super::{
    blind::IndexKeys,
    master::{Kek, KekError},
    store::{self, Use},
    suite::{Cipher, Suite},
};
use crate::data::{Clock, Db};

/// The data keys of one service's database. Clones share them; sealing, opening and indexing wait for nobody.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    suite: Suite,
    kek: RwLock<Arc<dyn Kek>>,
    keys: RwLock<Arc<Keys>>,
}

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the master key does not open this database's keys: configure the master key that was used here before, or \
         restore it from your backup (data key {id}: {source})"
    )]
    WrongMaster { id: i32, source: KekError },
    #[error("the master key cannot be used now: {0}")]
    NoMaster(KekError),
    #[error("the table data_keys is damaged: {0}; restore it from your backup")]
    Damaged(&'static str),
    #[error("somebody else changed the keys at the same time: try again")]
    Changed,
    #[error("the machine gave no random numbers")]
    NoRandomness,
    #[error("the keys cannot be read or written")]
    Db(#[from] DbErr),
}

impl Keyring {
    /// Opens the keys of `db`; makes the first ones where there are none. New keys are of `suite`; a key of the other one
    /// still opens what it sealed.
    pub async fn load(db: &Db, kek: Arc<dyn Kek>, suite: Suite, clock: &Clock) -> Result<Self, KeyError> {
        let mut rows = read(db).await?;
        if rows.is_empty() {
            let first = [
                new_row(1, Use::Seal, suite, kek.as_ref(), clock).await?,
                new_row(2, Use::Index, suite, kek.as_ref(), clock).await?,
            ];
            db.write::<_, DbErr, _>(move |tx| {
                // Of two copies that start at once, one writes and both use what it wrote.
                let once = OnConflict::column(store::Column::Id).do_nothing().to_owned();
                let insert = store::Entity::insert_many(first.clone()).on_conflict(once);
                Box::pin(async move { insert.exec_without_returning(tx).await })
            })
            .await?;
            rows = read(db).await?;
        }
        let keys = Keys::of(rows, kek.as_ref(), None).await?;
        let inner = Inner {
            db: db.clone(),
            clock: clock.clone(),
            suite,
            kek: RwLock::new(kek),
            keys: RwLock::new(Arc::new(keys)),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Takes up keys that another process made or rotated.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let keys = Keys::of(read(&self.0.db).await?, self.kek().as_ref(), Some(&self.keys())).await?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Makes a new data key, seals with it from now on and answers its id. Older keys stay, to open what they sealed. The
    /// index key stays: another would find nothing that is stored.
    ///
    /// Other running copies of the service seal with their key until they [`refresh`](Self::refresh).
    pub async fn rotate(&self) -> Result<u32, KeyError> {
        let last = read(&self.0.db).await?.last().map_or(0, |row| row.id);
        let row = new_row(last + 1, Use::Seal, self.0.suite, self.kek().as_ref(), &self.0.clock).await?;
        let now = self.0.clock.now();
        let outcome = self.0.db.write::<_, DbErr, _>(move |tx| {
            let row = row.clone();
            Box::pin(async move {
                store::Entity::update_many()
                    .col_expr(store::Column::RetiredAt, Expr::value(now))
                    .filter(store::Column::Purpose.eq(Use::Seal))
                    .filter(store::Column::RetiredAt.is_null())
                    .exec(tx)
                    .await?;
                store::Entity::insert(row).exec_without_returning(tx).await
            })
        });
        outcome.await.map_err(|e| match e.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => KeyError::Changed,
            _ => KeyError::Db(e),
        })?;
        self.refresh().await?;
        Ok(self.current())
    }

    /// Wraps every data key anew with `kek`, in one transaction. From then on only that master key opens this database;
    /// what was sealed stays as it is.
    pub async fn rewrap(&self, kek: Arc<dyn Kek>) -> Result<(), KeyError> {
        let old = self.kek();
        let before = read(&self.0.db).await?;
        let mut after = Vec::with_capacity(before.len());
        for row in &before {
            let key = unwrap(row, old.as_ref()).await?;
            let wrapped = kek.wrap(&row.label(), &key).await.map_err(KeyError::NoMaster)?;
            after.push(store::ActiveModel { id: Unchanged(row.id), wrapped: Set(wrapped), ..Default::default() });
        }
        let work = (before, after);
        let write = self.0.db.write::<_, KeyError, _>(move |tx| {
            let (before, after) = work.clone();
            Box::pin(async move {
                if store::Entity::find().order_by_asc(store::Column::Id).all(tx).await? != before {
                    return Err(KeyError::Changed);
                }
                for row in after {
                    store::Entity::update(row).exec(tx).await?;
                }
                Ok(())
            })
        });
        write.await?;
        *self.0.kek.write().unwrap_or_else(PoisonError::into_inner) = kek;
        Ok(())
    }

    /// The id of the key that seals now.
    pub fn current(&self) -> u32 {
        self.keys().current()
    }

    pub(super) fn keys(&self) -> Arc<Keys> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn kek(&self) -> Arc<dyn Kek> {
        self.0.kek.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(key {} seals)", self.current())
    }
}

/// The keys as they were at one time.
pub(super) struct Keys {
    current: u32,
    ciphers: HashMap<u32, Arc<Cipher>>,
    index_id: i32,
    pub(super) index: Arc<IndexKeys>,
}

impl Keys {
    /// Opens the keys in `rows`, except those that `known` has open.
    async fn of(rows: Vec<store::Model>, kek: &dyn Kek, known: Option<&Self>) -> Result<Self, KeyError> {
        let mut current = None;
        let mut ciphers = HashMap::with_capacity(rows.len());
        let mut index = None;
        for row in rows {
            let id = u32::try_from(row.id).map_err(|_| KeyError::Damaged("it holds a negative id"))?;
            match row.purpose {
                Use::Seal => {
                    let cipher = match known.and_then(|known| known.ciphers.get(&id)) {
                        Some(cipher) => cipher.clone(),
                        None => Arc::new(cipher(&row, kek).await?),
                    };
                    ciphers.insert(id, cipher);
                    if row.retired_at.is_none() {
                        current = Some(id);
                    }
                }
                Use::Index => {
                    let keys = match known.filter(|known| known.index_id == row.id) {
                        Some(known) => known.index.clone(),
                        None => Arc::new(IndexKeys::new(&unwrap(&row, kek).await?)),
                    };
                    index = Some((row.id, keys));
                }
            }
        }
        let current = current.ok_or(KeyError::Damaged("it holds no key to seal with"))?;
        let (index_id, index) = index.ok_or(KeyError::Damaged("it holds no index key"))?;
        Ok(Self { current, ciphers, index_id, index })
    }

    pub(super) fn current(&self) -> u32 {
        self.current
    }

    pub(super) fn sealing(&self) -> (u32, &Cipher) {
        (self.current, &self.ciphers[&self.current])
    }

    pub(super) fn cipher(&self, id: u32) -> Option<&Cipher> {
        self.ciphers.get(&id).map(Arc::as_ref)
    }
}

/// In the order of ids.
async fn read(db: &Db) -> Result<Vec<store::Model>, DbErr> {
    store::Entity::find().order_by_asc(store::Column::Id).all(db.read()).await
}

async fn new_row(
    id: i32,
    purpose: Use,
    suite: Suite,
    kek: &dyn Kek,
    clock: &Clock,
) -> Result<store::ActiveModel, KeyError> {
    let length = match purpose {
        Use::Seal => suite.key_bytes(),
        Use::Index => 32,
    };
    let mut key = Zeroizing::new(vec![0u8; length]);
    aws_lc_rs::rand::fill(&mut key).map_err(|_| KeyError::NoRandomness)?;
    let suite = i32::from(suite.id());
    let wrapped = kek.wrap(&store::label(id, purpose, suite), &key).await.map_err(KeyError::NoMaster)?;
    Ok(store::ActiveModel {
        id: Set(id),
        purpose: Set(purpose),
        suite: Set(suite),
        wrapped: Set(wrapped),
        created_at: Set(clock.now()),
        retired_at: Set(None),
    })
}

async fn unwrap(row: &store::Model, kek: &dyn Kek) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    kek.unwrap(&row.label(), &row.wrapped).await.map_err(|source| match source {
        KekError::NotMine => KeyError::WrongMaster { id: row.id, source },
        KekError::Unavailable(_) => KeyError::NoMaster(source),
    })
}

async fn cipher(row: &store::Model, kek: &dyn Kek) -> Result<Cipher, KeyError> {
    const UNKNOWN: KeyError = KeyError::Damaged("it names a cipher that this version does not know");
    let suite = u8::try_from(row.suite).ok().and_then(Suite::of_id).ok_or(UNKNOWN)?;
    Cipher::new(suite, &unwrap(row, kek).await?).map_err(|_| KeyError::Damaged("a key has the wrong length"))
}
