//! Dengke's teams, filled with people who do not exist.

use anyhow::Result;
use linju_proto::volunteers::v1::{self, TeamKind, TeamState};
use linju_volunteers::app::{DemoOptions, DemoOutcome};

use crate::ground::{Ground, SUBDISTRICT, clerk, neighbour, reason};

const OPTIONS: DemoOptions = DemoOptions { volunteers: 1_000, seed: 1 };

async fn teams(ground: &Ground, kind: TeamKind) -> Result<Vec<v1::Team>> {
    let list = v1::ListTeamsRequest {
        area_code: SUBDISTRICT.to_owned(),
        kind: kind.into(),
        page_size: 200,
        ..Default::default()
    };
    Ok(ground.teams().list_teams(ground.of(&neighbour("u-anybody"), list)?).await?.into_inner().teams)
}

#[tokio::test]
async fn dengke_has_its_teams() -> Result<()> {
    for ground in Ground::both().await? {
        let made = ground.app.demo(OPTIONS).await?;
        assert_eq!((made.volunteers, made.teams), (1_000, 89));
        let again = ground.app.demo(OPTIONS).await?;
        assert_eq!(again, DemoOutcome { unchanged: 1_000, ..DemoOutcome::default() });
        assert_eq!(teams(&ground, TeamKind::GoodNeighbour).await?.len(), 12);
        let all = teams(&ground, TeamKind::Unspecified).await?;
        assert!(all.iter().all(|team| team.state() == TeamState::Active && team.members > 3), "{all:?}");
        let runners = &teams(&ground, TeamKind::Errands).await?[0];
        assert_eq!(
            (runners.name.as_str(), runners.service_area_codes.as_slice()),
            ("恩阳跑团", &["511903".to_owned()][..])
        );
        // Nobody works with minors without the clearance.
        let uncleared = "memberships m JOIN teams t ON t.id = m.team_id WHERE t.kind = 'youth' AND NOT EXISTS (SELECT 1 \
                         FROM qualifications q WHERE q.volunteer_id = m.volunteer_id AND q.kind = 'minor_clearance' \
                         AND q.state = 'holds')";
        assert_eq!(ground.count(uncleared).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn made_up_people_do_not_mix_with_real_ones() -> Result<()> {
    for ground in Ground::both().await? {
        ground.apply(&clerk(), "张清秀").await?;
        let refused = ground.app.demo(OPTIONS).await.map_err(tonic::Status::from);
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
        assert_eq!(ground.count("teams").await?, 0);
    }
    Ok(())
}
