//! The same questions to registers of different sizes. Calls are made one after the other, so that what is compared is the
//! work of one answer; rounds go from register to register.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use linju_proto::residents::v1::{
    GetResidentRequest, ListResidentsRequest, ListResidentsResponse, SearchResidentsRequest, SearchResidentsResponse,
};
use prost::Message as _;

use super::{bytes, import::fill};
use crate::{
    Plan,
    ground::{Ground, Install, Serving},
    load::{histogram, ms},
    people::{SUBDISTRICT, person, subdistrict},
    stats::{Spread, thousands},
    table::{Table, Target},
    wire::Caller,
};

/// One question, asked of many people.
struct Question {
    name: &'static str,
    method: &'static str,
    most: f64,
    target: &'static str,
}

const GET: &str = "/linju.residents.v1.ResidentService/GetResident";
const LIST: &str = "/linju.residents.v1.ResidentService/ListResidents";
const SEARCH: &str = "/linju.residents.v1.ResidentService/SearchResidents";

const QUESTIONS: [Question; 4] = [
    Question { name: "read by id", method: GET, most: 1.2, target: "≤ 1.2×" },
    Question { name: "page of 50 of a community", method: LIST, most: 1.3, target: "≤ 1.3×" },
    Question { name: "look-up by ID number in the county", method: SEARCH, most: 1.5, target: "≤ 1.5×" },
    Question { name: "name search in a subdistrict", method: SEARCH, most: 2.0, target: "≤ 2×" },
];

/// Calls of one question in one round.
const CALLS: u32 = 400;

/// A register of some size, being served.
struct Register<'g> {
    people: u32,
    install: Install<'g>,
    _serving: Serving,
    caller: Caller,
    /// Requests of each question.
    asked: [Vec<Bytes>; 4],
    /// Medians of each question, a round each.
    medians: [Vec<f64>; 4],
}

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let sizes: &[u32] = if plan.full { &[10_000, 1_000_000] } else { &[10_000, 200_000] };
    let mut registers = Vec::new();
    for people in sizes {
        eprintln!("  a register of {people} people …");
        registers.push(Register::fill(ground, *people).await?);
    }
    for round in 0..=plan.rounds {
        for register in &mut registers {
            register.ask(round > 0).await?;
        }
    }
    let Some((small, larger)) = registers.split_first() else { return Ok(()) };
    for register in larger {
        for (q, question) in QUESTIONS.iter().enumerate() {
            let ratios: Vec<f64> =
                register.medians[q].iter().zip(&small.medians[q]).map(|(large, small)| large / small).collect();
            let (ratio, from, to) =
                (Spread::of(&ratios), Spread::of(&small.medians[q]), Spread::of(&register.medians[q]));
            let name = format!(
                "From {} to {} residents: {}",
                thousands(f64::from(small.people)),
                thousands(f64::from(register.people)),
                question.name
            );
            let reached = format!("{} ({:.2} ms → {:.2} ms)", ratio.fixed(2, "×"), from.median, to.median);
            table.held(&name, (Target::AtMost(question.most), question.target), ratio, reached);
        }
    }
    for register in &registers {
        let size = register.install.sql("residents", "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
        table.shown(&format!("– database of {} residents", thousands(f64::from(register.people))), size);
    }
    Ok(())
}

impl<'g> Register<'g> {
    async fn fill(ground: &'g Ground, people: u32) -> Result<Self> {
        let install = ground.install()?;
        fill(ground, &install, 0..people)?;
        install.settle("residents")?;
        let serving = install.serve(&["residents"])?;
        let caller = install.caller(&serving, QUESTIONS[0].method).await?;
        let asked = asked(&install, people)?;
        let register = Self { people, install, _serving: serving, caller, asked, medians: Default::default() };
        register.check().await?;
        Ok(register)
    }

    /// A question that finds nothing is answered fast and means nothing.
    async fn check(&self) -> Result<()> {
        let page = self.answer(1, 0).await?;
        ensure!(ListResidentsResponse::decode(page)?.residents.len() == 50, "a page is not full");
        for q in [2, 3] {
            let found = SearchResidentsResponse::decode(self.answer(q, 0).await?)?.residents.len();
            ensure!(found > 0, "nobody is found by {}", QUESTIONS[q].name);
        }
        Ok(())
    }

    async fn answer(&self, q: usize, n: usize) -> Result<Bytes> {
        let message = self.asked[q].get(n % self.asked[q].len()).context("no request")?;
        self.caller.method(QUESTIONS[q].method).call(0, message.clone()).await
    }

    async fn ask(&mut self, counts: bool) -> Result<()> {
        for (q, question) in QUESTIONS.iter().enumerate() {
            let mut latency: Histogram<u64> = histogram()?;
            for n in 0..CALLS as usize {
                let began = Instant::now();
                self.answer(q, n).await?;
                latency.saturating_record(u64::try_from(began.elapsed().as_micros())?.max(1));
            }
            if counts {
                self.medians[q].push(ms(&latency, 0.5));
            }
            eprintln!("  {} people: {} {:.2} ms", self.people, question.name, ms(&latency, 0.5));
        }
        Ok(())
    }
}

/// People from all over the register, and what is asked of each.
fn asked(install: &Install<'_>, people: u32) -> Result<[Vec<Bytes>; 4]> {
    let ids = install.sql("residents", &format!("SELECT id FROM residents ORDER BY random() LIMIT {CALLS}"))?;
    let mut asked: [Vec<Bytes>; 4] = Default::default();
    asked[0] = ids.lines().map(|id| bytes(&GetResidentRequest { id: id.to_owned() })).collect();
    for n in 0..CALLS {
        let number = u32::try_from(u64::from(n) * u64::from(people) / u64::from(CALLS))?;
        let somebody = person(number);
        let community = somebody.grid[..12].to_owned();
        asked[1].push(bytes(&ListResidentsRequest { area_code: community, page_size: 50, ..Default::default() }));
        let search = |area_code: String, query: String| {
            bytes(&SearchResidentsRequest { area_code, query, page_size: 20, ..Default::default() })
        };
        asked[2].push(search("511903".to_owned(), somebody.national_id));
        let given = somebody.name.chars().skip(1).collect();
        asked[3].push(search(subdistrict(number / SUBDISTRICT), given));
    }
    Ok(asked)
}
