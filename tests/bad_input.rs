//! Whatever is sent, the answer names code, reason and field, and nothing is half written.

mod incidents;
mod residents;

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    residents::v1::{CreateHouseholdRequest, CreateResidentRequest, Dwelling, Household, Relation, Resident},
};
use test_servers::Nats;

use crate::ground::{Caller, House, Install, Who, id};

const GRID: &str = "511903001008002";
const COMMUNITY: &str = "511903001008";
const ELSEWHERE: &str = "511903002";

/// A house with one household and one person in it, and the request by which that person came.
struct Scene {
    house: House,
    manager: Caller,
    asked: CreateResidentRequest,
    household: Household,
    next_door: Household,
    resident: Resident,
}

fn a_household() -> CreateHouseholdRequest {
    CreateHouseholdRequest {
        dwelling: Some(Dwelling {
            area_code: GRID.to_owned(),
            building: "7栋".to_owned(),
            room: "302".to_owned(),
            ..Dwelling::default()
        }),
        number: "H900001".to_owned(),
        request_id: id(),
    }
}

fn a_resident(household: &str) -> CreateResidentRequest {
    CreateResidentRequest {
        resident: Some(Resident {
            name: "张清秀".to_owned(),
            national_id: "51190319600501912X".to_owned(),
            relation: Relation::Head.into(),
            ..Resident::default()
        }),
        household_id: household.to_owned(),
        request_id: id(),
        observed_on: String::new(),
    }
}

impl Scene {
    async fn set(install: Install) -> Result<Self> {
        let areas = install.folder().join("areas.csv");
        let table = "code,name,level,parent_code\n511903,恩阳区,county,\n511903001,登科街道,subdistrict,511903\n\
                     511903002,文治街道,subdistrict,511903\n511903001008,白玉社区,community,511903001\n\
                     511903001008002,第二网格,grid,511903001008\n";
        std::fs::write(&areas, table)?;
        let (code, answer) = install.import("areas", &areas, &[])?;
        assert_eq!(code, Some(0), "{answer}");
        let house = House::open(install).await?;
        let manager = house.caller(&Who::new("u-manager", Role::CommunityManager, "511903001")).await?;
        let household = manager.residents().create_household(a_household()).await?.into_inner();
        let next_door = CreateHouseholdRequest { number: "H900002".to_owned(), ..a_household() };
        let next_door = manager.residents().create_household(next_door).await?.into_inner();
        let asked = a_resident(&household.id);
        let resident = manager.residents().create_resident(asked.clone()).await?.into_inner();
        Ok(Self { house, manager, asked, household, next_door, resident })
    }

    async fn who(&self, role: Role, area: &str) -> Result<Caller> {
        self.house.caller(&Who::new("u-other", role, area)).await
    }
}

async fn all(install: Install) -> Result<()> {
    let scene = Scene::set(install).await?;
    let before = scene.house.install.sizes().await?;
    residents::refused(&scene).await?;
    residents::found_nowhere_else(&scene).await?;
    residents::asked_twice(&scene).await?;
    residents::bytes(&scene).await?;
    residents::pages(&scene).await?;
    incidents::refused(&scene).await?;
    assert_eq!(scene.house.install.sizes().await?, before, "nothing was written");
    incidents::out_of_turn(&scene).await?;
    scene.house.close().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_on_sqlite() -> Result<()> {
    Box::pin(all(Install::embedded()?)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_on_postgres() -> Result<()> {
    let nats = Nats::start()?;
    Box::pin(all(Install::shared_stack(&nats)?)).await
}
