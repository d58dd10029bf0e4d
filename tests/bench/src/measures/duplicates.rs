//! What the database takes for a suggestion of duplicates, read from its own log: all statements of a call on categories and
//! incidents, planning included, with the times that Postgres gives for them.

use anyhow::{Result, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{SuggestDuplicatesRequest, SuggestDuplicatesResponse},
};
use prost::Message as _;

use super::{bytes, desk::SUBDISTRICT};
use crate::{
    Plan,
    ground::{Ground, Install},
    load::{histogram, ms},
    stats::Spread,
    table::{Table, Target},
    wire::Caller,
};

const METHOD: &str = "/linju.incidents.v1.ProblemService/SuggestDuplicates";
const CALLS: usize = 200;

/// Asks an office that was filled.
pub(super) async fn run(ground: &Ground, install: &Install<'_>, plan: Plan, table: &mut Table) -> Result<()> {
    let drafts = drafts(install)?;
    let database = install.database("incidents");
    install.sql("incidents", &format!("ALTER DATABASE {database} SET log_min_duration_statement = 0"))?;
    let serving = install.serve(&["incidents"])?;
    let token = install.token(Role::Dispatcher, Some(SUBDISTRICT))?;
    let caller = Caller::connect(serving.grpc, METHOD, Some(&token)).await?;

    let (mut p50, mut p99, mut found) = (Vec::new(), Vec::new(), 0);
    for round in 0..=plan.rounds {
        let mut latency: Histogram<u64> = histogram()?;
        for n in 0..CALLS {
            let from = ground.log(0)?.len();
            let answer = caller.call(0, drafts[(round * CALLS + n) % drafts.len()].clone()).await?;
            found += SuggestDuplicatesResponse::decode(answer)?.suggestions.len();
            latency.saturating_record(micros(&ground.log(from)?)?.max(1));
        }
        let asked = [ms(&latency, 0.5), ms(&latency, 0.99)];
        eprintln!("  suggestion of duplicates: in the database p50 {:.2} ms, p99 {:.2} ms", asked[0], asked[1]);
        if round > 0 {
            p50.push(asked[0]);
            p99.push(asked[1]);
        }
    }
    ensure!(found > 0, "nothing is suggested anywhere");
    let (p50, p99) = (Spread::of(&p50), Spread::of(&p99));
    let name = "Suggestion of duplicates in the larger office, in the database, p99";
    table.held(name, (Target::AtMost(5.0), "≤ 5 ms"), p99, p99.fixed(2, " ms"));
    let asked = f64::from(u32::try_from(CALLS * (plan.rounds + 1))?);
    let each = f64::from(u32::try_from(found)?) / asked;
    table.shown("– p50", format!("{} ({each:.1} suggested for each draft)", p50.fixed(2, " ms")));
    Ok(())
}

/// The same things in the same places as open incidents, of categories that look for duplicates.
fn drafts(install: &Install<'_>) -> Result<Vec<Bytes>> {
    let rows = install.sql(
        "incidents",
        "SELECT category, latitude, longitude FROM incidents WHERE state = 'dispatched' AND category IN \
           (SELECT c.code FROM categories c JOIN categories g ON c.code LIKE g.code || '.%' OR c.code = g.code \
             WHERE NOT c.retired AND g.details::jsonb ->> 'duplicates' IS NOT NULL) \
         ORDER BY md5(number) LIMIT 1000",
    )?;
    let draft = |row: &str| -> Result<Bytes> {
        let fields: Vec<&str> = row.split('|').collect();
        let [category, latitude, longitude] = fields[..] else { anyhow::bail!("no draft: {row}") };
        Ok(bytes(&SuggestDuplicatesRequest {
            area_code: "511903001008".to_owned(),
            category: category.to_owned(),
            latitude: latitude.parse()?,
            longitude: longitude.parse()?,
            at: None,
        }))
    };
    let drafts: Vec<Bytes> = rows.lines().map(draft).collect::<Result<_>>()?;
    ensure!(!drafts.is_empty(), "no incident has a category that looks for duplicates");
    Ok(drafts)
}

/// Microseconds of the statements on categories and incidents in a log of `log_min_duration_statement = 0`.
fn micros(log: &str) -> Result<u64> {
    let (mut all, mut asked) = (0.0, false);
    for line in log.lines().filter(|line| line.contains("\"incidents\"") || line.contains("\"categories\"")) {
        let Some((_, timed)) = line.split_once("LOG:  duration: ") else { continue };
        let Some((ms, _)) = timed.split_once(" ms") else { continue };
        all += ms.parse::<f64>()?;
        asked |= line.contains("  execute ") && line.contains("\"incidents\"");
    }
    ensure!(asked, "the service's statements on incidents are not in Postgres' log");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time of some milliseconds")]
    Ok((all * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn the_times_of_all_steps_of_a_statement_count() -> anyhow::Result<()> {
        let log = "x LOG:  duration: 0.250 ms  bind sqlx_s_1: SELECT \"id\" FROM \"incidents\"\n\
                   x DETAIL:  parameters: $1 = 'a'\n\
                   x LOG:  duration: 1.000 ms  execute sqlx_s_1: SELECT \"id\" FROM \"incidents\"\n\
                   x LOG:  duration: 9.000 ms  execute sqlx_s_2: SELECT \"id\" FROM \"outbox\"\n";
        assert_eq!(micros(log)?, 1_250);
        assert!(micros("x LOG:  duration: 1.000 ms  execute s: SELECT \"code\" FROM \"categories\"").is_err());
        Ok(())
    }
}
