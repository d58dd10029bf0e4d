//! A key that was taken back ends at once, on the connection that is open.

use anyhow::Result;
use serde_json::json;

use super::ground::Partners;
use crate::ground::{holds, until};

#[tokio::test]
async fn who_is_removed_or_has_an_old_key_is_cut_off() -> Result<()> {
    let partners = Partners::open().await?;
    let (pa, pb) = (partners.connect("pa").await?, partners.connect("pb").await?);
    let beat = json!({"device": "PUMP-pa"});
    until("the lane is open", async || Ok(pa.ask("ask.heartbeat", &beat).await.ok())).await?;
    until("the other's too", async || Ok(pb.ask("ask.heartbeat", &json!({"device": "PUMP-pb"})).await.ok())).await?;

    partners.partner(&["rotate", "pa"])?;
    pa.hears("cut off").await?;
    let again = partners.connect("pa").await?;
    assert_eq!(again.ask("ask.heartbeat", &beat).await?, json!({"result": "ok"}));

    partners.partner(&["remove", "pa"])?;
    again.hears("cut off").await?;
    assert!(partners.connect("pa").await.is_err(), "the key opens nothing any more");
    holds("its lane is taken down", async || {
        let seed = std::fs::read_to_string(partners.house.install.folder().join("platform.nk"))?;
        let options = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned());
        let context = async_nats::jetstream::new(options.connect(partners.nats.url()).await?);
        Ok(context.get_stream("LINJU_IN_pa").await.is_err())
    })
    .await?;
    // Nobody else has felt it.
    assert_eq!(pb.ask("ask.alarm", &pb.alarm("K-1", "fire")).await?, json!({"result": "ok"}));
    let list = partners.house.install.told(&["partner", "list"])?;
    assert_eq!((&list[0]["state"], &list[1]["state"]), (&json!("removed"), &json!("active")), "{list}");
    partners.house.close().await?;
    Ok(())
}
