//! The closed loop over the whole program: a phone clerk, a unit that disputes, a reviewer, a handler, a call-back clerk, and a
//! reporter who is not satisfied the first time; a matter that concerns many; and rates that anybody can compute again. The same on
//! SQLite in one process and on Postgres and NATS in two.

mod direct;
mod matter;
mod rates;

use anyhow::Result;
use linju_proto::{common::v1::Role, incidents::v1::Visibility};
use test_servers::Nats;

use crate::ground::{Caller, House, Install, Who};

const SUBDISTRICT: &str = "511903001";
const COMMUNITY: &str = "511903001008";
const GRID: &str = "511903001008002";

/// Everybody who has a part in it, each with one.
struct Office {
    clerk: Caller,
    dispatcher: Caller,
    /// Works in the unit that gets it first.
    lights: Caller,
    /// Works in the unit that gets it then.
    power: Caller,
    reviewer: Caller,
    call_back: Caller,
}

impl Office {
    async fn of(house: &House) -> Result<Self> {
        let who = |subject, role| Who::new(subject, role, SUBDISTRICT);
        Ok(Self {
            clerk: house.caller(&who("u-clerk", Role::CallClerk)).await?,
            dispatcher: house.caller(&who("u-dispatcher", Role::Dispatcher)).await?,
            lights: house.caller(&who("u-lights", Role::Handler).of_unit("lights")).await?,
            power: house.caller(&who("u-power", Role::Handler).of_unit("power")).await?,
            reviewer: house.caller(&who("u-reviewer", Role::SubdistrictManager)).await?,
            call_back: house.caller(&who("u-call-back", Role::CallClerk)).await?,
        })
    }
}

async fn whole_loop(install: Install) -> Result<()> {
    let house = House::open(install).await?;
    let office = Office::of(&house).await?;
    let lamp = direct::is_solved_the_second_time(&office).await?;
    direct::cannot_be_solved_and_comes_back(&office).await?;
    matter::goes_through_the_four_steps(&house, &office, &lamp).await?;
    rates::are_computed_again(&house.install, &office).await?;
    house.close().await?;
    Ok(())
}

/// What a step is called that the public reads.
const PUBLIC: Visibility = Visibility::Public;

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_in_one_process() -> Result<()> {
    Box::pin(whole_loop(Install::embedded()?)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_on_postgres_and_nats() -> Result<()> {
    let nats = Nats::start()?;
    Box::pin(whole_loop(Install::shared_stack(&nats)?)).await
}
