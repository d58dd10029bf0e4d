//! The tree of places.

use anyhow::Result;
use linju_proto::residents::v1;
use linju_residents::app::AreasOutcome;

use crate::ground::{Ground, SUBDISTRICT, data, reason};

#[tokio::test]
async fn the_official_table_comes_in_once() -> Result<()> {
    for ground in Ground::both().await? {
        let again = ground.app.import_areas(std::fs::File::open(data("areas_enyang.csv"))?).await?;
        assert_eq!(again, AreasOutcome { rows: 328, unchanged: 328, ..AreasOutcome::default() });
        let renamed = "code,name,level,parent_code\n511903001008,白玉社区,community,511903001000\n";
        let done = ground.app.import_areas(renamed.as_bytes()).await?;
        assert_eq!((done.updated, done.created), (1, 0));

        let mut door = ground.areas.clone();
        let area = door.get_area(v1::GetAreaRequest { code: "511903001008".to_owned() }).await?.into_inner();
        assert_eq!((area.name.as_str(), area.parent_code.as_str()), ("白玉社区", SUBDISTRICT));
        assert_eq!(area.level(), v1::AreaLevel::Community);
        let outcome = door.get_area(v1::GetAreaRequest { code: "511904".to_owned() }).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND");
        let mut request =
            v1::ListAreasRequest { parent_code: SUBDISTRICT.to_owned(), page_size: 10, ..Default::default() };
        let first = door.list_areas(request.clone()).await?.into_inner();
        request.page_token = first.next_page_token;
        let rest = door.list_areas(request).await?.into_inner();
        assert_eq!((first.areas.len(), rest.areas.len(), rest.next_page_token.as_str()), (10, 6, ""));
        let top = door.list_areas(v1::ListAreasRequest::default()).await?.into_inner();
        assert_eq!(top.areas.iter().map(|area| area.code.as_str()).collect::<Vec<_>>(), ["511903"]);
    }
    Ok(())
}

#[tokio::test]
async fn wrong_rows_are_named_and_the_others_taken() -> Result<()> {
    let table = "\u{FEFF}code,name,level,parent_code\n\
        511903001900,新社区,community,511903001000\n\
        51190300190,短,community,511903001000\n\
        511903001901,,community,511903001000\n\
        511903001902,错级,grid,511903001000\n\
        511903001903,错上级,community,511903002000\n\
        511904001001,无上级,community,511904001000\n\
        511903001900,又一次,community,511903001000\n";
    for ground in Ground::both().await? {
        let done = ground.app.import_areas(table.as_bytes()).await?;
        assert_eq!((done.rows, done.created, done.rejected), (7, 1, 6));
        let told: Vec<_> = done.problems.iter().map(|problem| (problem.line, problem.field)).collect();
        assert_eq!(told.len(), 6);
        for expected in [(3, "code"), (4, "name"), (5, "level"), (6, "parent_code"), (7, "parent_code"), (8, "code")] {
            assert!(told.contains(&expected), "{expected:?} in {told:?}");
        }
        let outcome = ground.app.import_areas("名称\n白玉\n".as_bytes()).await;
        assert!(outcome.is_err_and(|error| error.to_string().contains("no column code")));
    }
    Ok(())
}
