//! One office's day over the whole program: a survey and real requests flow in, people are found, an incident is worked to
//! its end, and the events go by. The same on SQLite in one process and on Postgres and NATS in two.

mod incident;
mod load;
mod people;
mod upkeep;

use anyhow::Result;
use linju_proto::common::v1::Role;
use test_servers::Nats;

use crate::ground::{Caller, House, Install, Who};

const SUBDISTRICT: &str = "511903001";

/// Everybody who works in this office.
struct Office {
    worker: Caller,
    clerk: Caller,
    /// Takes calls and also works in the unit that handles the incident.
    both: Caller,
    dispatcher: Caller,
    handler: Caller,
    manager: Caller,
}

impl Office {
    async fn of(house: &House) -> Result<Self> {
        let who = |subject, role| Who::new(subject, role, SUBDISTRICT);
        let both = who("u-both", Role::Handler).also(Role::CallClerk).of_unit("housing");
        Ok(Self {
            worker: house.caller(&Who::new("u-worker", Role::GridWorker, "511903001234")).await?,
            clerk: house.caller(&who("u-clerk", Role::CallClerk)).await?,
            both: house.caller(&both).await?,
            dispatcher: house.caller(&who("u-dispatcher", Role::Dispatcher)).await?,
            handler: house.caller(&who("u-handler", Role::Handler).of_unit("housing")).await?,
            manager: house.caller(&who("u-manager", Role::CommunityManager)).await?,
        })
    }
}

/// From the first file to the last signal.
async fn day(install: Install, load: fn(&Install) -> Result<load::Loaded>) -> Result<()> {
    let loaded = load(&install)?;
    load::requests(&install)?;
    let house = House::open(install).await?;
    let office = Office::of(&house).await?;
    upkeep::a_token_from_the_command_line_works(&house).await?;
    people::are_found(&office).await?;
    people::are_shown_only_for_a_purpose(&house, &office).await?;
    people::are_counted(&office, &loaded).await?;
    let id = incident::is_reported_and_answered_by_residents(&office).await?;
    incident::opens_the_care_list(&house, &office).await?;
    incident::is_worked_to_its_end(&house, &office, &id).await?;
    incident::counts_in_the_figures(&office).await?;
    upkeep::events_name_nobody(&house.install).await?;
    upkeep::the_last_events_are_shown(&house.install)?;
    upkeep::keys_are_changed_while_serving(&house, &office).await?;
    upkeep::the_audit_log_holds(&house.install)?;
    upkeep::doctor_is_content(&house.install)?;
    house.close().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_office_in_one_process() -> Result<()> {
    Box::pin(day(Install::embedded()?, load::whole_survey)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_a_process_on_postgres_and_nats() -> Result<()> {
    let nats = Nats::start()?;
    Box::pin(day(Install::shared_stack(&nats)?, load::start_of_the_survey)).await
}
