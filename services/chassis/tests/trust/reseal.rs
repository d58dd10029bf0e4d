use std::sync::Arc;

use anyhow::Result;
use chassis::{
    data::{Clock, Keyring, MasterKey, ResealProgress, Sealed, SealedColumn, Suite, reseal_column},
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr},
};
use uuid::Uuid;

use crate::{TestDb, morning};

const PHONE: SealedColumn = SealedColumn { table: "person", column: "phone", id_column: "id" };

mod person {
    use chassis::{data::Sealed, sea_orm};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub phone: Option<Sealed>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn filled(test: &TestDb, people: u128) -> Result<Keyring> {
    let folder = tempfile::tempdir()?;
    let master = Arc::new(MasterKey::new_to_file(&folder.path().join("m"))?);
    let keys = Keyring::load(&test.db, master, Suite::Aes256Gcm, &Clock::fixed(morning())).await?;
    let types = if test.postgres.is_some() { ("uuid", "bytea") } else { ("uuid_text", "blob") };
    test.run(&format!("CREATE TABLE person (id {} PRIMARY KEY, phone {})", types.0, types.1)).await?;
    let rows: Vec<_> = (1..=people)
        .map(|n| {
            let id = Uuid::from_u128(n);
            let phone = (n % 10 != 0).then(|| keys.seal(PHONE.at(id), &format!("139{n:08}"))).transpose()?;
            Ok(person::ActiveModel { id: Set(id), phone: Set(phone) })
        })
        .collect::<Result<_>>()?;
    test.db
        .write(move |tx| {
            let rows = rows.clone();
            Box::pin(async move { person::Entity::insert_many(rows).exec_without_returning(tx).await })
        })
        .await?;
    Ok(keys)
}

async fn people(test: &TestDb) -> Result<Vec<person::Model>> {
    Ok(person::Entity::find().order_by_asc(person::Column::Id).all(test.db.read()).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_is_sealed_anew_and_reads_the_same() -> Result<()> {
    for test in TestDb::both().await? {
        let keys = filled(&test, 1_200).await?;
        let current = keys.rotate().await?;
        let mut steps = Vec::new();
        let done = reseal_column(&test.db, &keys, PHONE, None, |p| steps.push(*p)).await?;
        let last = Some(Uuid::from_u128(1_199));
        assert_eq!(done, ResealProgress { seen: 1_080, resealed: 1_080, unreadable: 0, last });
        assert_eq!(steps.iter().map(|p| p.seen).collect::<Vec<_>>(), [500, 1_000, 1_080]);
        for person in people(&test).await? {
            let number = person.id.as_u128();
            assert_eq!(person.phone.is_none(), number % 10 == 0);
            if let Some(phone) = person.phone {
                assert_eq!(phone.key_id(), Some(current));
                assert_eq!(keys.open(PHONE.at(person.id), &phone)?.expose(), format!("139{number:08}"));
            }
        }
        let again = reseal_column(&test.db, &keys, PHONE, None, |_| {}).await?;
        assert_eq!((again.seen, again.resealed), (1_080, 0), "nothing is done twice");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_last_batch_ends_too() -> Result<()> {
    let test = TestDb::sqlite().await?;
    let keys = filled(&test, 555).await?;
    keys.rotate().await?;
    let done = reseal_column(&test.db, &keys, PHONE, None, |_| {}).await?;
    assert_eq!((done.seen, done.resealed), (500, 500));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_from_where_it_stopped() -> Result<()> {
    for test in TestDb::both().await? {
        let keys = filled(&test, 20).await?;
        keys.rotate().await?;
        let done = reseal_column(&test.db, &keys, PHONE, Some(Uuid::from_u128(15)), |_| {}).await?;
        assert_eq!((done.seen, done.resealed), (4, 4));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_moved_between_rows_are_left_and_counted() -> Result<()> {
    for test in TestDb::both().await? {
        let keys = filled(&test, 9).await?;
        let all = people(&test).await?;
        let swap = |to: usize, from: usize| {
            person::Entity::update_many()
                .col_expr(person::Column::Phone, Expr::value(all[from].phone.clone()))
                .filter(person::Column::Id.eq(all[to].id))
        };
        let connection = test.db.raw_writer();
        swap(0, 1).exec(connection).await?;
        swap(1, 0).exec(connection).await?;
        for person in people(&test).await?.iter().take(2) {
            let phone: &Sealed = person.phone.as_ref().expect("a phone");
            assert!(keys.open(PHONE.at(person.id), phone).is_err());
        }
        keys.rotate().await?;
        let done = reseal_column(&test.db, &keys, PHONE, None, |_| {}).await?;
        assert_eq!((done.seen, done.resealed, done.unreadable), (9, 7, 2));
    }
    Ok(())
}
