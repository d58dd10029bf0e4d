use std::time::Duration;

use chassis::{
    data::{Db, Tx},
    events::{Held, Lease, Outbox, outbox},
};
use sea_orm::{DbErr, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::ground::{Ground, grounds};

fn lease(ground: &Ground, time: Duration) -> Lease {
    Lease::new(ground.db.clone(), ground.clock.clone(), "test", ground.ids.next(), time)
}

const LONG: Duration = Duration::from_hours(1);

/// Writes as a holder does; of how many rows.
async fn write_as(db: &Db, held: Held) -> u64 {
    let run = db.write(move |tx: &Tx| {
        Box::pin(async move {
            let mine = outbox::Entity::update_many().filter(held.still());
            let set = mine.col_expr(outbox::Column::Source, Expr::val("written")).exec(tx).await?;
            Ok::<_, DbErr>(set.rows_affected)
        })
    });
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_holds_it_until_it_is_given_back() -> anyhow::Result<()> {
    for ground in grounds().await {
        let (one, other) = (lease(&ground, LONG), lease(&ground, LONG));
        let held = one.acquire().await?.unwrap();
        assert_eq!(other.acquire().await?, None);
        assert!(one.renew(held).await?);
        one.release(held).await?;
        assert!(other.acquire().await?.is_some());
        assert_eq!(one.acquire().await?, None);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_it_can_write_no_more() -> anyhow::Result<()> {
    for ground in grounds().await {
        ground.add(&Outbox::default(), ground.event(Uuid::nil(), 1)).await;
        // Runs out at once, as that of a process that was frozen.
        let (frozen, next) = (lease(&ground, Duration::ZERO), lease(&ground, LONG));
        let old = frozen.acquire().await?.unwrap();
        assert_eq!(write_as(&ground.db, old).await, 1);
        let new = next.acquire().await?.unwrap();
        assert_eq!(write_as(&ground.db, old).await, 0);
        assert_eq!(write_as(&ground.db, new).await, 1);
        assert!(!frozen.renew(old).await?);
        frozen.release(old).await?;
        assert!(next.renew(new).await?, "nobody gives back what another holds");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_at_once_one_gets_it() -> anyhow::Result<()> {
    for ground in grounds().await {
        let asked: Vec<Lease> = (0..16).map(|_| lease(&ground, LONG)).collect();
        let answers = futures::future::try_join_all(asked.iter().map(Lease::acquire)).await?;
        assert_eq!(answers.iter().flatten().count(), 1);
    }
    Ok(())
}
