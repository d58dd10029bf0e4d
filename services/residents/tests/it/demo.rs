//! The demo town.

use anyhow::Result;
use linju_proto::residents::v1;
use linju_residents::app::DemoOptions;

use crate::ground::{GRID, Ground, SUBDISTRICT, field, manager, zhang};

fn town(seed: u64) -> DemoOptions {
    DemoOptions { residents: 1_500, seed, progress: None }
}

#[tokio::test]
async fn a_town_is_believable_marked_and_the_same_for_a_seed() -> Result<()> {
    let mut towns = Vec::new();
    for ground in Ground::both().await? {
        let made = ground.app.demo(town(7)).await?;
        assert!((1_500..1_510).contains(&made.residents) && made.unchanged == 0);
        assert_eq!(ground.count("residents WHERE synthetic").await?, i64::try_from(made.residents)?);
        let again = ground.app.demo(town(7)).await?;
        assert_eq!((again.residents, again.unchanged), (0, made.residents));

        let request = v1::GetFiguresRequest { area_code: SUBDISTRICT.to_owned() };
        let figures = ground.care.clone().get_figures(ground.of(&manager(), request)?).await?.into_inner();
        let elders = figures.elder_dependency.unwrap_or_default();
        assert!((25.0..90.0).contains(&elders), "a town that ages: {elders}");
        assert!(figures.child_dependency.is_some_and(|children| (10.0..70.0).contains(&children)));
        assert_eq!(
            ground.count("areas WHERE code % 1000 = 0 AND code % 1000000 <> 0 AND parent = 511903001000000").await?,
            16
        );
        towns.push(ground.rows("SELECT name || sex || CAST(birth_date AS text) FROM residents ORDER BY 1").await?);

        let home = ground.household(GRID, "1").await?;
        ground.resident(&home.id, zhang()).await?;
        let refused = ground.app.demo(town(8)).await.map_err(tonic::Status::from);
        assert_eq!(field(refused), "install");
    }
    assert_eq!(towns[0], towns[1]);
    Ok(())
}
