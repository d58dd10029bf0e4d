//! The local log alone.

use std::time::Duration;

use anyhow::Result;
use chassis::{
    data::{Clock, Db, PoolSettings},
    events::{BusError, LocalLog, SharedBus},
    sea_orm::ConnectionTrait,
};
use chrono::TimeDelta;

use crate::tools::{House, LONG, LocalHouse, Reader, Source, all, read, until};

#[tokio::test]
async fn what_another_process_appends_is_found() -> Result<()> {
    let house = LocalHouse::new()?;
    let (serving, importing) = (house.open().await?, house.open().await?);
    let events = Source::new().events(3);
    let mut feed = serving.subscribe(&all("one")).await?;
    let mut waiting = Box::pin(feed.next(10, LONG));
    assert!(futures::poll!(&mut waiting).is_pending());
    importing.publish(&events).await?;
    let came: Vec<_> = waiting.await?.into_iter().map(read).collect::<Result<_>>()?;
    assert_eq!(came, events);
    Ok(())
}

#[tokio::test]
async fn two_processes_share_a_consumer() -> Result<()> {
    let house = LocalHouse::new()?;
    let (first, second) = (house.open().await?, house.open().await?);
    let events = Source::new().events(2);
    first.publish(&events).await?;
    let (mut one, mut other) = (first.subscribe(&all("x")).await?, second.subscribe(&all("x")).await?);
    let (one, other) = (one.next(1, LONG).await?, other.next(2, LONG).await?);
    let came: Vec<_> = one.into_iter().chain(other).map(read).collect::<Result<_>>()?;
    assert_eq!(came, events);
    Ok(())
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() -> Result<()> {
    let house = LocalHouse::new()?;
    house.open().await?.close().await;
    let db = Db::open_file(&house.path(), &PoolSettings::default()).await?;
    db.raw_writer().execute_unprepared("PRAGMA user_version = 9").await?;
    db.close().await;
    let refused = LocalLog::open(&house.path(), Clock::system()).await;
    assert!(matches!(refused, Err(BusError::Refused(why)) if why.contains("newer Linju (version 9")));
    Ok(())
}

#[tokio::test]
async fn delays_run_by_the_clock() -> Result<()> {
    let house = LocalHouse::new()?;
    let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
    let bus: SharedBus = LocalLog::open(&house.path(), clock.clone()).await?;
    let event = Source::new().event();
    bus.publish(std::slice::from_ref(&event)).await?;
    let mut feed = bus.subscribe(&all("one")).await?;
    let given = feed.next(1, LONG).await?.remove(0);
    feed.nak(&given, Duration::from_hours(1)).await?;
    clock.advance(TimeDelta::seconds(3_599));
    assert!(feed.next(1, Duration::ZERO).await?.is_empty());
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(feed.next(1, Duration::ZERO).await?.remove(0).attempt, 2);
    assert!(feed.next(1, Duration::ZERO).await?.is_empty(), "claimed for the time of ack_wait");

    // The first owner's time is long over: its answer must not take the delivery from the second.
    feed.nak(&given, Duration::ZERO).await?;
    assert!(feed.next(1, Duration::ZERO).await?.is_empty());
    clock.advance(TimeDelta::seconds(30));
    assert_eq!(feed.next(1, Duration::ZERO).await?.remove(0).attempt, 3);
    Ok(())
}

#[tokio::test]
async fn what_everybody_has_passed_is_forgotten_after_its_time() -> Result<()> {
    let house = LocalHouse::new()?;
    let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
    let bus: SharedBus = LocalLog::open(&house.path(), clock.clone()).await?;
    let events = Source::new().events(5);
    let mut one = Reader::open(&bus, &all("one")).await?;
    bus.publish(&events[..2]).await?;
    let parked = one.delivery().await?;
    bus.park("one", &events[0], "kept for a person").await?;
    one.ack(&parked).await?;
    assert_eq!(one.event().await?, events[1]);
    bus.publish(&events[2..3]).await?;

    clock.advance(TimeDelta::days(31));
    bus.publish(&events[3..4]).await?;
    let mut late = Reader::open(&bus, &all("late")).await?;
    let first = late.events(3).await?;
    assert_eq!(first, [events[0].clone(), events[2].clone(), events[3].clone()], "parked and not yet read are kept");

    assert_eq!(one.events(2).await?, events[2..4]);
    until("the cursor is kept", async || Ok(bus.lag("one").await? == 0)).await?;
    clock.advance(TimeDelta::days(31));
    let parked = bus.parked(1).await?.remove(0);
    bus.drop_parked(parked.id).await?;
    bus.publish(&events[4..]).await?;
    let mut later = Reader::open(&bus, &all("later")).await?;
    assert_eq!(later.event().await?, events[4]);
    Ok(())
}
