//! A process ends as by a power cut, in the three places where it hurts most.

use std::os::unix::process::ExitStatusExt as _;

use anyhow::{Result, ensure};
use test_servers::Nats;

use super::{answered, desk, endanger, exactly_once, report};
use crate::ground::{House, Install, holds};

const SIGABRT: i32 = 6;

/// `service` dies at `place` while an incident endangers a building; after a new start all is as if nothing had been.
async fn dies_at(install: Install, service: &str, place: &str) -> Result<()> {
    install.settle()?;
    let house = House::open(install).await?;
    let before = report(&desk(&house).await?).await?.id;
    holds("the outboxes are empty", async || house.install.is_drained().await).await?;
    let install = house.close().await?;

    let mut house = House::open_failing(install, service, place).await?;
    // Committed, whether the caller still heard of it or not.
    let _ = endanger(&desk(&house).await?, &before).await;
    let status = house.process(service).ended().await?;
    ensure!(status.signal() == Some(SIGABRT), "{status}: it must die at {place}");
    ensure!(house.install.count("incidents", "timeline WHERE kind = 'triaged'").await? == 1);
    let install = house.cut().await?;

    let house = House::open(install).await?;
    let desk = desk(&house).await?;
    answered(&desk, &before).await?;
    let after = report(&desk).await?.id;
    endanger(&desk, &after).await?;
    answered(&desk, &after).await?;
    exactly_once(&house.install, 2).await?;
    house.close().await?;
    Ok(())
}

async fn in_one_process(place: &str) -> Result<()> {
    Box::pin(dies_at(Install::embedded()?, "residents", place)).await
}

async fn in_two(service: &str, place: &str) -> Result<()> {
    let nats = Nats::start()?;
    Box::pin(dies_at(Install::shared_stack(&nats)?, service, place)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_commit_and_publish_on_sqlite() -> Result<()> {
    in_one_process("outbox.committed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_publish_and_mark_on_sqlite() -> Result<()> {
    in_one_process("relay.published").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_effect_and_ack_on_sqlite() -> Result<()> {
    in_one_process("consumer.handled").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_commit_and_publish_on_postgres() -> Result<()> {
    in_two("incidents", "outbox.committed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_publish_and_mark_on_postgres() -> Result<()> {
    in_two("incidents", "relay.published").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_effect_and_ack_of_the_question_on_postgres() -> Result<()> {
    in_two("residents", "consumer.handled").await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_effect_and_ack_of_the_answer_on_postgres() -> Result<()> {
    in_two("incidents", "consumer.handled").await
}
