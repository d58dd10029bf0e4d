//! Write transactions and what databases do under them, on SQLite and on Postgres.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tasks of a test end with it")]
#![expect(unreachable_pub, reason = "the derives of an entity want its types public")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chassis::{
    Fault, Refusal,
    data::{Db, PoolSettings, Together, Tx, any_of},
};
use chrono::{DateTime, NaiveDate};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, Schema,
    Statement,
    sea_query::{Alias, Expr, Func, InsertStatement, Query},
};
use tempfile::TempDir;
use test_servers::{Database, Mode, Postgres, Proxy};
use tonic::Code;
use uuid::Uuid;

/// One database of a kind, and what keeps it alive.
struct Case {
    db: Db,
    url: String,
    _file: Option<TempDir>,
    server: Option<Database>,
}

async fn cases() -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("t.db").display());
    let file = Db::open(&url, &PoolSettings::default()).await.unwrap();
    let server = Postgres::shared().unwrap().create_database().unwrap();
    let postgres = Db::open(server.url(), &PoolSettings::default()).await.unwrap();
    let cases = vec![
        Case { db: file, url, _file: Some(folder), server: None },
        Case { db: postgres, url: server.url().to_owned(), _file: None, server: Some(server) },
    ];
    for case in &cases {
        case.db
            .raw_writer()
            .execute_unprepared("CREATE TABLE parent (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)")
            .await
            .unwrap();
        case.db
            .raw_writer()
            .execute_unprepared(
                "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parent (id))",
            )
            .await
            .unwrap();
    }
    cases
}

fn insert(table: &str, values: [i64; 2]) -> InsertStatement {
    let second = if table == "parent" { "n" } else { "parent" };
    Query::insert()
        .into_table(Alias::new(table))
        .columns([Alias::new("id"), Alias::new(second)])
        .values_panic(values.map(Expr::value))
        .to_owned()
}

async fn count(db: &Db, table: &str) -> i64 {
    let select = Query::select().expr(Func::count(Expr::cust("*"))).from(Alias::new(table)).to_owned();
    db.read().query_one(&select).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn appended_rows_travel_together_or_not_at_all() {
    for Case { db, .. } in &cases().await {
        db.write(|tx: &Tx| {
            tx.append_statement(insert("parent", [1, 1]));
            tx.append_statement(insert("child", [1, 1]));
            tx.append_statement(insert("child", [2, 1]));
            Box::pin(async { Ok::<_, DbErr>(()) })
        })
        .await
        .unwrap();
        assert_eq!((count(db, "parent").await, count(db, "child").await), (1, 2));

        let broken = db
            .write(|tx: &Tx| {
                tx.append_statement(insert("parent", [2, 1]));
                tx.append_statement(insert("child", [1, 1]));
                Box::pin(async { Ok::<_, Fault>(()) })
            })
            .await
            .unwrap_err();
        assert!(broken.is_duplicate(), "{broken:?}");
        assert_eq!(count(db, "parent").await, 1, "{:?}: the parent of the refused child is not kept", db.backend());
    }
}

#[tokio::test]
async fn an_error_takes_everything_back() {
    for Case { db, .. } in &cases().await {
        let refused = db
            .write(|tx: &Tx| {
                Box::pin(async move {
                    tx.execute(&insert("parent", [1, 1])).await?;
                    tx.append_statement(insert("parent", [2, 1]));
                    tx.flush().await?;
                    Err::<(), _>(DbErr::Custom("refused".to_owned()))
                })
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(count(db, "parent").await, 0);
    }
}

#[tokio::test]
async fn a_write_is_finished_when_its_caller_is_gone() {
    for case in &cases().await {
        let db = &case.db;
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let steps = Arc::new(std::sync::Mutex::new(Some((begun, may_go_on))));
        let write = {
            let db = db.clone();
            tokio::task::spawn(async move {
                db.write(move |tx: &Tx| {
                    let steps = steps.lock().unwrap().take();
                    Box::pin(async move {
                        tx.execute(&insert("parent", [1, 1])).await?;
                        let (begun, may_go_on) = steps.unwrap();
                        begun.send(()).unwrap();
                        may_go_on.await.unwrap();
                        Ok::<_, DbErr>(())
                    })
                })
                .await
            })
        };
        has_begun.await.unwrap();
        write.abort();
        assert!(write.await.unwrap_err().is_cancelled());
        go_on.send(()).unwrap();
        // `close` waits for the write that nobody waits for any more; what it wrote is there for whoever opens it next.
        db.close().await;
        let again = Db::open(&case.url, &PoolSettings::default()).await.unwrap();
        assert_eq!(count(&again, "parent").await, 1, "{:?}", db.backend());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_read_then_write_transactions_queue_and_none_is_lost() {
    // On SQLite a deferred BEGIN would answer "database is locked" at once here.
    for Case { db, .. } in &cases().await {
        db.raw_writer().execute(&insert("parent", [1, 0])).await.unwrap();
        let writers: Vec<_> = (0..20)
            .map(|_| {
                let db = db.clone();
                tokio::task::spawn(async move {
                    db.write(|tx: &Tx| {
                        Box::pin(async move {
                            let lock =
                                if tx.get_database_backend() == DbBackend::Postgres { " FOR UPDATE" } else { "" };
                            let read = format!("SELECT n FROM parent WHERE id = 1{lock}");
                            let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), read)).await?;
                            let n: i64 = row.unwrap().try_get_by_index(0)?;
                            let next = Query::update()
                                .table(Alias::new("parent"))
                                .value(Alias::new("n"), n + 1)
                                .and_where(Expr::col(Alias::new("id")).eq(1))
                                .to_owned();
                            tx.execute(&next).await.map(|_| ())
                        })
                    })
                    .await
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        let sum = Statement::from_string(db.backend(), "SELECT n FROM parent WHERE id = 1");
        let n: i64 = db.read().query_one_raw(sum).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(n, 20, "{:?}", db.backend());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadlock_is_tried_again_and_nobody_notices() {
    let cases = cases().await;
    let Case { db, .. } = cases.iter().find(|c| c.server.is_some()).unwrap();
    for id in [1, 2] {
        db.raw_writer().execute(&insert("parent", [id, 0])).await.unwrap();
    }
    let tries = Arc::new(AtomicU32::new(0));
    let both_hold_one = Arc::new(tokio::sync::Barrier::new(2));
    let crossing = |first: i64, second: i64| {
        let (db, tries, barrier) = (db.clone(), tries.clone(), both_hold_one.clone());
        tokio::task::spawn(async move {
            db.write(move |tx: &Tx| {
                let (tries, barrier) = (tries.clone(), barrier.clone());
                Box::pin(async move {
                    let add = |id: i64| {
                        Query::update()
                            .table(Alias::new("parent"))
                            .value(Alias::new("n"), Expr::col(Alias::new("n")).add(1))
                            .and_where(Expr::col(Alias::new("id")).eq(id))
                            .to_owned()
                    };
                    let attempt = tries.fetch_add(1, Ordering::SeqCst);
                    tx.execute(&add(first)).await?;
                    if attempt < 2 {
                        barrier.wait().await;
                    }
                    tx.execute(&add(second)).await.map(|_| ())
                })
            })
            .await
        })
    };
    let (one, two) = (crossing(1, 2), crossing(2, 1));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3, "one of the two was refused by the database and ran again");
    let select = Statement::from_string(db.backend(), "SELECT SUM(n)::bigint FROM parent");
    let sum: i64 = db.read().query_one_raw(select).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!(sum, 4);
}

#[tokio::test]
async fn readers_of_a_file_cannot_write() {
    let cases = cases().await;
    let Case { db, .. } = cases.iter().find(|c| c.server.is_none()).unwrap();
    assert!(db.read().execute(&insert("parent", [1, 1])).await.is_err());
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_and_nothing_is_half_written() {
    let cases = cases().await;
    let Case { db, .. } = cases.iter().find(|c| c.server.is_none()).unwrap();
    // A page limit is how SQLite itself simulates a full disk: the same result code, SQLITE_FULL.
    db.raw_writer().execute_unprepared("CREATE TABLE blobs (b BLOB NOT NULL)").await.unwrap();
    db.raw_writer().execute_unprepared("PRAGMA max_page_count = 10").await.unwrap();
    let refused: Fault = db
        .write(|tx: &Tx| {
            Box::pin(async move {
                tx.execute(&insert("parent", [7, 7])).await?;
                tx.execute_unprepared("INSERT INTO blobs VALUES (zeroblob(100000))").await?;
                Ok::<_, Fault>(())
            })
        })
        .await
        .unwrap_err();
    assert_eq!(refused.answer(), (Code::ResourceExhausted, "DISK_FULL"));
    assert_eq!(count(db, "parent").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_connection_is_replaced() {
    let server = Postgres::shared().unwrap().create_database().unwrap();
    let (before, after) = server.url().split_once('@').unwrap();
    let (address, name) = after.split_once('/').unwrap();
    let proxy = Proxy::start(address.parse().unwrap()).await.unwrap();
    let url = format!("{before}@{}/{name}", proxy.address());
    let pool = PoolSettings { max_connections: 2, ..PoolSettings::default() };
    let db = Db::open(&url, &pool).await.unwrap();
    let one = Query::select().expr(Expr::value(1)).to_owned();
    db.read().query_one(&one).await.unwrap();
    // A connection is given back by a task of its own; the next query must find this one, and not open another.
    while db.read().get_postgres_connection_pool().num_idle() == 0 {
        tokio::task::yield_now().await;
    }

    proxy.set(Mode::FreezeOpen);
    let frozen = tokio::time::timeout(Duration::from_millis(200), db.read().query_one(&one)).await;
    assert!(frozen.is_err(), "the frozen connection answers nothing: {frozen:?}");
    let answered = tokio::time::timeout(Duration::from_secs(3), db.read().query_one(&one)).await;
    assert!(answered.unwrap().is_ok(), "another connection is used");
}

/// A row with a column of each kind that services use.
mod kinds {
    use chrono::{DateTime, NaiveDate, Utc};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "kinds")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: i64,
        pub text: String,
        pub bytes: Vec<u8>,
        pub real: f64,
        pub yes: bool,
        pub day: NaiveDate,
        pub at: DateTime<Utc>,
        pub maybe: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn many_rows_at_once_come_back_as_they_were() {
    let row = |n: u32, text: &str, maybe: Option<&str>| kinds::Model {
        id: Uuid::from_u128(n.into()),
        number: i64::MIN + i64::from(n),
        text: text.to_owned(),
        bytes: vec![0, 1, 0xff, b'\\', b'"'],
        real: 31.860_123_456_789 / f64::from(n),
        yes: n.is_multiple_of(2),
        day: NaiveDate::from_ymd_opt(1949, 10, n).unwrap(),
        at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
        maybe: maybe.map(str::to_owned),
    };
    let rows = [
        row(1, "白玉小区\n\"3栋\"\\2单元", None),
        row(2, "\u{1}{}[],:\u{10ffff}", Some("")),
        row(3, "null", Some("NULL")),
    ];
    for Case { db, .. } in &cases().await {
        let schema = Schema::new(db.backend());
        db.raw_writer().execute(&schema.create_table_from_entity(kinds::Entity)).await.unwrap();
        let new = rows.clone();
        let write = db.write(move |tx: &Tx| {
            for row in &new {
                tx.append(row.clone().into_active_model());
            }
            Box::pin(async { Ok::<_, DbErr>(()) })
        });
        write.await.unwrap();
        let kept = kinds::Entity::find().order_by_asc(kinds::Column::Number).all(db.read()).await.unwrap();
        assert_eq!(kept, rows, "{:?}", db.backend());
    }
}

mod parents {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "parent")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub n: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn commits_at_the_same_time_do_not_feel_each_others_errors() {
    for Case { db, .. } in &cases().await {
        let write = |id: i64| {
            db.write(move |tx: &Tx| {
                tx.append(parents::Model { id, n: 0 }.into_active_model());
                Box::pin(async { Ok::<_, Fault>(()) })
            })
        };
        // Each id twice: one of the two is refused, whichever comes second.
        let outcomes = futures::future::join_all((0..200).map(|n| write(n / 2))).await;
        for pair in outcomes.chunks(2) {
            let refused: Vec<_> = pair.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
            assert!(matches!(refused.as_slice(), [one] if one.is_duplicate()), "{refused:?}");
        }
        assert_eq!(count(db, "parent").await, 100);
    }
}

#[tokio::test]
async fn a_list_of_any_length_finds_the_same() {
    for Case { db, .. } in &cases().await {
        db.write(|tx: &Tx| {
            (1..=5).for_each(|id| tx.append(parents::Model { id, n: 0 }.into_active_model()));
            Box::pin(async { Ok::<_, DbErr>(()) })
        })
        .await
        .unwrap();
        for wanted in [vec![], vec![3], vec![1, 3, 9], (0..100).collect::<Vec<i64>>()] {
            let found = parents::Entity::find()
                .filter(any_of(db.backend(), parents::Column::Id, wanted.iter().copied()))
                .order_by_asc(parents::Column::Id)
                .all(db.read())
                .await
                .unwrap();
            let expected: Vec<i64> = wanted.into_iter().filter(|id| (1..=5).contains(id)).collect();
            assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{:?}", db.backend());
        }
    }
}

#[tokio::test]
async fn who_waits_is_answered_though_another_goes_away() {
    let together = Arc::new(Together::<u32, u32>::new(1, 8));
    let (began, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let first = tokio::spawn({
        let together = together.clone();
        async move {
            let never = |_| {
                began.send(()).unwrap();
                std::future::pending::<Vec<u32>>()
            };
            together.ask(1, never).await
        }
    });
    has_begun.recv().await.unwrap();
    let double = |items: Vec<u32>| std::future::ready(items.into_iter().map(|n| n * 2).collect::<Vec<_>>());
    let others = futures::future::join_all((2..=20).map(|n| together.ask(n, double)));
    first.abort();
    assert_eq!(others.await, (2..=20).map(|n| Some(n * 2)).collect::<Vec<_>>());
}
