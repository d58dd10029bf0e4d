//! A family member acts for somebody by mandate: reports, follows what was reported, and sees who looked at it.

use anyhow::{Context as _, Result, ensure};
use linju_proto::common::v1::Role;
use serde_json::{Value, json};
use test_servers::Nats;

use crate::ground::{Desk, Install, Person, id};

const AREA: &str = "511903001008";
const GRID: &str = "511903001008002";

/// The office and the family.
struct Scene {
    desk: Desk,
    /// The mother's record in the register.
    record: String,
    mother: Person,
    daughter: Person,
    worker: Person,
    clerk: Person,
}

impl Scene {
    async fn set(desk: Desk) -> Result<Self> {
        let record = id();
        let mother = desk.invite("mother").await?;
        desk.grant(&mother, Role::Resident, AREA, json!({ "personId": record })).await?;
        let daughter = desk.invite("daughter").await?;
        let worker = desk.person("worker", Role::GridWorker, AREA).await?;
        let clerk = desk.person("clerk", Role::CallClerk, AREA).await?;
        Ok(Self { desk, record, mother, daughter, worker, clerk })
    }

    /// The daughter's mandate; its id.
    async fn mandate(&self, cover: &str) -> Result<String> {
        let mandate = json!({
            "holderAccountId": self.daughter.account,
            "personId": self.record,
            "covers": [cover],
            "areaCode": AREA,
            "endsAt": "2028-01-01T00:00:00Z",
            "proof": "委托书 2026-11-20",
            "requestId": id(),
        });
        let made = self.desk.post("/v1/mandates", &self.worker.token, &mandate).await?.good()?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    async fn end(&self, mandate: &str, who: &Person) -> Result<()> {
        let path = format!("/v1/mandates/{mandate}:revoke");
        self.desk.post(&path, &who.token, &json!({ "reason": "she is back" })).await?.good()?;
        Ok(())
    }

    async fn report(&self, who: &Person, headers: &[&str]) -> Result<String> {
        let report = json!({
            "channel": "CHANNEL_APP",
            "place": { "areaCode": GRID, "address": "白玉小区3栋" },
            "description": "楼道的灯坏了",
            "requestId": id(),
        });
        let made = self.desk.send("POST", "/v1/incidents", (&who.token, headers), Some(&report)).await?.good()?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    /// Reads as the daughter for her mother, under a purpose.
    async fn read(&self, path: &str, purpose: &str) -> Result<(u16, Value)> {
        let (person, purpose) = (self.on_behalf(), format!("linju-purpose: {purpose}"));
        let reply = self.desk.send("GET", path, (&self.daughter.token, &[&person, &purpose]), None).await?;
        Ok((reply.status, reply.body))
    }

    fn on_behalf(&self) -> String {
        format!("linju-on-behalf: {}", self.record)
    }
}

async fn a_daughter_acts_for_her_mother(scene: &Scene) -> Result<()> {
    let desk = &scene.desk;
    let neighbour = desk.invite("neighbour").await?;
    desk.grant(&neighbour, Role::Resident, AREA, json!({ "personId": id() })).await?;
    let own = format!("/v1/incidents/{}", scene.report(&scene.mother, &[]).await?);
    let other = format!("/v1/incidents/{}", scene.report(&neighbour, &[]).await?);
    assert_eq!(desk.get(&own, &scene.daughter.token).await?.status, 403, "in her own name she has no role");
    assert_eq!(scene.read(&own, "own_matter").await?.0, 403, "and no mandate yet");

    let see = scene.mandate("COVER_SEE").await?;
    assert_eq!(scene.read(&own, "own_matter").await?.0, 403, "it covers the record, not reports");
    scene.end(&see, &scene.worker).await?;

    let mandate = scene.mandate("COVER_REPORT").await?;
    let (status, read) = scene.read(&own, "own_matter").await?;
    assert_eq!((status, &read["description"]), (200, &json!("楼道的灯坏了")));
    assert_eq!(scene.read(&other, "own_matter").await?.0, 404, "somebody else's");
    assert_eq!(scene.read(&format!("{own}/timeline"), "own_matter").await?.0, 200);
    assert_eq!(scene.read(&format!("{own}/attachments"), "own_matter").await?.0, 200);
    assert_eq!(scene.read(&format!("{other}/attachments"), "own_matter").await?.0, 404);
    let (_, list) = scene.read(&format!("/v1/incidents?areaCode={AREA}"), "own_matter").await?;
    assert_eq!(list["incidents"].as_array().map(Vec::len), Some(1), "{list}");

    // What the daughter reports is her mother's, who can take it back herself.
    let person = scene.on_behalf();
    let made = scene.report(&scene.daughter, &[&person]).await?;
    let path = format!("/v1/incidents/{made}");
    assert_eq!(desk.get(&path, &scene.mother.token).await?.status, 200);
    let withdraw = json!({ "reason": "It works again.", "etag": read_etag(desk, &path, &scene.mother).await? });
    let taken = desk.post(&format!("{path}:withdraw"), &scene.mother.token, &withdraw).await?;
    ensure!(taken.status == 200, "{taken:?}");

    who_looked(scene, &own, &other).await?;

    scene.end(&mandate, &scene.mother).await?;
    let gone = desk.send("GET", &own, (&scene.daughter.token, &[&person]), None).await?;
    assert_eq!((gone.status, gone.reason()), (403, "NO_MANDATE"), "at once");
    Ok(())
}

async fn read_etag(desk: &Desk, path: &str, who: &Person) -> Result<Value> {
    Ok(desk.get(path, &who.token).await?.good()?["etag"].clone())
}

/// The mother, and the daughter for her, learn who looked at the reports, and nobody's account.
async fn who_looked(scene: &Scene, own: &str, other: &str) -> Result<()> {
    let desk = &scene.desk;
    for path in [own, other] {
        let read = desk.send("GET", path, (&scene.clerk.token, &["linju-purpose: case_handling"]), None).await?;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let looks = desk.get("/v1/my/incidents/looks", &scene.mother.token).await?.good()?;
    let all = looks["looks"].as_array().context("looks")?;
    ensure!(all.iter().any(|look| look["byMandate"] == true), "the daughter's: {looks}");
    let clerk = all.first().context("the latest")?;
    assert_eq!((&clerk["purpose"], &clerk["roles"]), (&json!("PURPOSE_CASE_HANDLING"), &json!(["接听员"])));
    let summary = clerk["summary"].as_str().context("a sentence")?;
    ensure!(summary.contains("办理反映的事项") && summary.contains("反映的内容"), "{summary}");
    ensure!(!looks.to_string().contains(&scene.clerk.account), "{looks}");
    let office = all.iter().filter(|look| look["purpose"] == "PURPOSE_CASE_HANDLING").count();
    assert_eq!(office, 1, "the neighbour's report is none of theirs: {looks}");

    assert_eq!(scene.read("/v1/my/incidents/looks", "").await?.0, 403, "an empty purpose is none");
    let person = scene.on_behalf();
    let narrowed = |path: &str| path.replace("/v1/incidents/", "/v1/my/incidents/looks?incidentId=");
    let by_daughter = desk.send("GET", &narrowed(own), (&scene.daughter.token, &[&person]), None).await?.good()?;
    ensure!(by_daughter["looks"].as_array().is_some_and(|looks| !looks.is_empty()), "{by_daughter}");
    assert_eq!(desk.get(&narrowed(other), &scene.mother.token).await?.status, 404);
    assert_eq!(desk.get("/v1/my/incidents/looks", &scene.clerk.token).await?.status, 403);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_covers_reports() -> Result<()> {
    let nats = tokio::task::spawn_blocking(Nats::start).await??;
    for install in [Install::embedded()?, Install::shared_stack(&nats)?] {
        let serving = install.serve(&[], &[]).await?;
        let scene = Scene::set(Desk::open(&install, &serving).await?).await?;
        a_daughter_acts_for_her_mother(&scene).await?;
        ensure!(serving.stop().await?.success());
    }
    Ok(())
}
