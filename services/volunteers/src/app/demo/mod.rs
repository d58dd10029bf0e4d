//! Dengke's teams and people to fill them who do not exist, for trying things out.

mod people;

use std::collections::{HashMap, HashSet};

use chassis::data::{AreaCode, Code, Tx};
use chrono::{NaiveDate, TimeDelta};
use sea_orm::{IntoActiveModel, PaginatorTrait, QuerySelect, entity::prelude::*};
use uuid::Uuid;

use super::{App, NewTeam};
use crate::{
    domain::{
        QualificationId, TeamId,
        gate::Needs,
        life::{Action, By, Life},
        qualification::{Kind, State as ProofState},
        team::{Role, Standing, TeamKind, TeamState},
    },
    error::Error,
    store::{
        qualification as proofs,
        team::{self, membership},
        volunteer,
    },
};

/// The residents' communities of Dengke subdistrict (511903001), and what people call them.
const COMMUNITIES: [(&str, &str); 12] = [
    ("511903001001", "新场"),
    ("511903001002", "登科寺"),
    ("511903001007", "麻石"),
    ("511903001008", "白玉"),
    ("511903001009", "两路"),
    ("511903001010", "天星寨"),
    ("511903001011", "赵台"),
    ("511903001012", "石马"),
    ("511903001013", "秋溪"),
    ("511903001014", "燕飞"),
    ("511903001015", "古溪"),
    ("511903001016", "红岩坝"),
];
const SUBDISTRICT: &str = "511903001";
/// The teams that each community has.
const OF_COMMUNITIES: [(TeamKind, &str); 7] = [
    (TeamKind::GoodNeighbour, "好邻居"),
    (TeamKind::ElderCare, "敬老探访队"),
    (TeamKind::Youth, "青蒲小屋志愿队"),
    (TeamKind::Culture, "文艺宣讲队"),
    (TeamKind::Environment, "绿色家园队"),
    (TeamKind::HomeRepair, "便民维修队"),
    (TeamKind::PartyMembers, "党员先锋队"),
];
/// Those of the whole subdistrict. The runners also go to the county's other subdistricts and towns.
const OF_ALL: [(TeamKind, &str); 5] = [
    (TeamKind::Errands, "恩阳跑团"),
    (TeamKind::Emergency, "登科应急救援队"),
    (TeamKind::Medical, "登科义诊队"),
    (TeamKind::Legal, "登科普法队"),
    (TeamKind::Unit, "登科小学家长志愿队"),
];
const COUNTY: &str = "511903";
/// Rows of one transaction.
const BATCH: usize = 200;
/// Who made it.
const ACTOR: &str = "demo";

/// How many people.
#[derive(Clone, Copy, Debug)]
pub struct DemoOptions {
    pub volunteers: u32,
    /// The same seed makes the same people.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemoOutcome {
    pub volunteers: u64,
    pub teams: u64,
    /// Volunteers that an earlier demo had made; then nothing is added.
    pub unchanged: u64,
}

impl App {
    /// Fills an install in which no real volunteer is kept. Everything made is marked as synthetic.
    pub async fn demo(&self, options: DemoOptions) -> Result<DemoOutcome, Error> {
        let real = volunteer::Entity::find().filter(volunteer::Column::Synthetic.eq(false));
        if real.count(self.db.read()).await? > 0 {
            let message = "holds real volunteers, and made-up ones do not belong among them: use an empty one";
            return Err(chassis::Fault::field("install", "demo.empty", message).into());
        }
        let before =
            volunteer::Entity::find().select_only().column(volunteer::Column::Id).count(self.db.read()).await?;
        if before > 0 {
            return Ok(DemoOutcome { unchanged: before, ..DemoOutcome::default() });
        }
        let mut teams = self.demo_teams()?;
        let people = self.demo_people(options)?;
        let places = place(&people, &mut teams);
        let rows: Vec<Made> = self.demo_rows(people, &teams, &places);
        let made = rows.len() as u64;
        self.write_teams(teams.clone()).await?;
        for batch in rows.chunks(BATCH) {
            self.write_people(batch.to_vec()).await?;
        }
        Ok(DemoOutcome { volunteers: made, teams: teams.len() as u64, unchanged: 0 })
    }

    fn demo_teams(&self) -> Result<Vec<team::Model>, Error> {
        let founded_on = NaiveDate::from_ymd_opt(2023, 3, 5);
        let team = |name: String, kind, area: &str, reach: &str| {
            let areas = if reach.is_empty() { Vec::new() } else { vec![code(reach)?] };
            let new = NewTeam {
                name,
                kind,
                area: code(area)?,
                service_areas: areas,
                founded_on,
                organisation_id: None,
                needs: Needs::default(),
            };
            self.new_team(&new, true)
        };
        let mut teams = Vec::new();
        for (area, community) in COMMUNITIES {
            for (kind, name) in OF_COMMUNITIES {
                teams.push(team(format!("{community}{name}"), kind, area, "")?);
            }
        }
        for (kind, name) in OF_ALL {
            let reach = if kind == TeamKind::Errands { COUNTY } else { "" };
            teams.push(team(name.to_owned(), kind, SUBDISTRICT, reach)?);
        }
        Ok(teams)
    }

    fn demo_people(&self, DemoOptions { volunteers, seed }: DemoOptions) -> Result<Vec<volunteer::Model>, Error> {
        let (mut rows, mut numbers) = (Vec::new(), HashSet::new());
        for n in 0..volunteers {
            let (area, _) = COMMUNITIES[n as usize % COMMUNITIES.len()];
            let new = people::application(seed, n, code(area)?)?;
            // Among a thousand, one time in twenty, two meet on one number: the later takes another id.
            let mut row = loop {
                let row = self.new_volunteer(&new, (None, By::Office), true)?;
                if numbers.insert(row.number.clone()) {
                    break row;
                }
            };
            // Most serve; some have only just applied.
            if n % 20 != 19 {
                let serving = Life::new(By::Office).apply(Action::Review, By::Office, self.today())?.apply(
                    Action::Activate { risks_told: true, consented: true },
                    By::Office,
                    self.today(),
                )?;
                row.put_life(serving);
                row.version = 3;
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn demo_rows(&self, people: Vec<volunteer::Model>, teams: &[team::Model], places: &Places) -> Vec<Made> {
        let kind_of: HashMap<TeamId, TeamKind> = teams.iter().map(|team| (team.id, team.kind.0)).collect();
        let mut made = Vec::with_capacity(people.len());
        for (n, row) in people.into_iter().enumerate() {
            let own = places.get(&n).map(Vec::as_slice).unwrap_or_default();
            let memberships = own
                .iter()
                .map(|(team, role)| self.new_membership((*team, row.id), (Standing::Member, *role), ACTOR))
                .collect();
            let kinds = own.iter().filter_map(|(team, _)| kind_of.get(team));
            let asked = |kind: &TeamKind| match kind {
                TeamKind::Youth => Some(Kind::MinorClearance),
                TeamKind::Medical => Some(Kind::Medical),
                TeamKind::Emergency => Some(Kind::FirstAid),
                _ => None,
            };
            let proofs = kinds.filter_map(asked).map(|kind| self.proof(&row, kind, n)).collect();
            made.push(Made { row, memberships, proofs });
        }
        made
    }

    /// A proof of some day of the last months, so that some of them end soon.
    fn proof(&self, row: &volunteer::Model, kind: Kind, n: usize) -> proofs::Model {
        let ago = i64::try_from(n % 360).unwrap_or_default();
        let issued_on = self.today() - TimeDelta::days(ago);
        proofs::Model {
            id: self.ids.next::<QualificationId>(),
            volunteer_id: row.id,
            area_code: row.area_code,
            kind: Code(kind),
            state: Code(ProofState::Holds),
            issued_on,
            expires_on: kind.longest().map(|months| issued_on + months - TimeDelta::days(1)),
            issuer: String::new(),
            reference: None,
            warned_at: None,
            revocation: None,
            recorded_by: ACTOR.to_owned(),
            recorded_at: self.clock.now(),
        }
    }

    async fn write_teams(&self, teams: Vec<team::Model>) -> Result<(), Error> {
        let app = self.clone();
        let work = self.db.write(move |tx| {
            for row in &teams {
                app.append_team(tx, row);
            }
            Box::pin(async { Ok::<_, Error>(()) })
        });
        work.await
    }

    async fn write_people(&self, batch: Vec<Made>) -> Result<(), Error> {
        let app = self.clone();
        let work = self.db.write(move |tx| {
            let (app, batch) = (app.clone(), batch.clone());
            Box::pin(async move {
                for Made { row, memberships, proofs } in batch {
                    app.append_volunteer(tx, &row, ACTOR)?;
                    append_all(tx, memberships);
                    append_all(tx, proofs);
                    tx.flush().await?;
                    app.refresh(tx, row).await?;
                }
                Ok::<_, Error>(())
            })
        });
        work.await
    }
}

fn append_all<M, A>(tx: &Tx, rows: Vec<M>)
where
    M: IntoActiveModel<A>,
    A: sea_orm::ActiveModelTrait,
{
    for row in rows {
        tx.append(row.into_active_model());
    }
}

/// One person with all that belongs to them.
#[derive(Clone, Debug)]
struct Made {
    row: volunteer::Model,
    memberships: Vec<membership::Model>,
    proofs: Vec<proofs::Model>,
}

/// Which teams each person belongs to, and as what.
type Places = HashMap<usize, Vec<(TeamId, Role)>>;

/// Puts everybody who serves into teams of their community in turn, and every eighth into one of all. The first of a team
/// leads it.
fn place(people: &[volunteer::Model], teams: &mut [team::Model]) -> Places {
    let mut places = Places::new();
    let mut turns: HashMap<AreaCode, usize> = HashMap::new();
    let all = teams.len() - OF_ALL.len();
    for (n, row) in people.iter().enumerate().filter(|(_, row)| row.version > 1) {
        let turn = turns.entry(row.area_code).or_default();
        let own: Vec<usize> = (0..all).filter(|at| teams[*at].area_code == row.area_code).collect();
        let mut joins: Vec<usize> = own.get(*turn % own.len().max(1)).copied().into_iter().collect();
        *turn += 1;
        if n % 8 == 0 {
            joins.push(all + n / 8 % OF_ALL.len());
        }
        for at in joins {
            let team = &mut teams[at];
            let role = if team.state.0 == TeamState::Forming { Role::Leader } else { Role::Member };
            team.state = Code(TeamState::Active);
            places.entry(n).or_default().push((team.id, role));
        }
    }
    places
}

fn code(text: &str) -> Result<AreaCode, Error> {
    text.parse().map_err(|_| chassis::Fault::Internal(format!("`{text}` of the demo is no area")).into())
}

/// Made-up applications come under no request.
const NO_REQUEST: Uuid = Uuid::nil();
