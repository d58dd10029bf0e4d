use async_nats::jetstream::{self, stream};
use test_servers::Nats;

async fn jetstream(nats: &Nats) -> anyhow::Result<jetstream::Context> {
    Ok(jetstream::new(async_nats::connect(nats.url()).await?))
}

async fn publish(nats: &Nats) -> anyhow::Result<u64> {
    let jetstream = jetstream(nats).await?;
    let config = stream::Config { name: "S".into(), subjects: vec!["s.>".into()], ..Default::default() };
    jetstream.get_or_create_stream(config).await?;
    Ok(jetstream.publish("s.a", "x".into()).await?.await?.sequence)
}

#[tokio::test]
async fn the_store_outlives_stop_and_kill_and_not_a_wipe() -> anyhow::Result<()> {
    let mut nats = Nats::start()?;
    assert_eq!(publish(&nats).await?, 1);
    let pid = nats.pid()?;

    nats.stop()?;
    assert!(nats.pid().is_err());
    assert!(async_nats::connect(nats.url()).await.is_err());
    nats.restart()?;
    assert_ne!(nats.pid()?, pid);
    assert_eq!(publish(&nats).await?, 2);

    nats.kill9()?;
    nats.restart()?;
    assert_eq!(publish(&nats).await?, 3);

    assert!(nats.wipe_store().is_err(), "refused while the server runs");
    nats.stop()?;
    nats.wipe_store()?;
    nats.restart()?;
    assert_eq!(publish(&nats).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_paused_server_answers_when_it_goes_on() -> anyhow::Result<()> {
    let nats = Nats::start()?;
    let client = async_nats::connect(nats.url()).await?;
    nats.pause()?;
    let jetstream = jetstream::new(client);
    let mut asking = Box::pin(jetstream.query_account());
    assert!(futures::poll!(&mut asking).is_pending());
    nats.resume()?;
    asking.await?;
    Ok(())
}

#[tokio::test]
async fn configuration_is_added() -> anyhow::Result<()> {
    let nats = Nats::start_with("max_payload: 2048")?;
    let client = async_nats::connect(nats.url()).await?;
    assert_eq!(client.server_info().max_payload, 2048);
    assert!(client.server_info().jetstream);
    Ok(())
}

#[test]
fn bad_configuration_is_shown() -> anyhow::Result<()> {
    let Err(error) = Nats::start_with("max_payload: many") else {
        anyhow::bail!("NATS started with a configuration that makes no sense")
    };
    assert!(error.to_string().contains("nats.conf:4"), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_shared_server_is_one() -> anyhow::Result<()> {
    let url = Nats::shared()?;
    assert_eq!(url, Nats::shared()?);
    async_nats::connect(url).await?;
    Ok(())
}
