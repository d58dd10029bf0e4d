//! Finding and listing people.

use anyhow::Result;
use linju_proto::residents::v1;

use crate::ground::{
    COMMUNITY, GRID, Ground, OTHER_GRID, SUBDISTRICT, field, grid_worker, manager, reason, somebody, zhang,
};

async fn names(ground: &Ground, query: &str) -> Result<Vec<String>> {
    let mut names: Vec<_> = ground.search(query).await?.into_iter().map(|found| found.name).collect();
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn by_any_part_of_a_name_by_initials_and_by_number() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        ground.resident(&home.id, zhang()).await?;
        for name in ["曾清平", "李秀", "李秀英", "秀秀", "Maria Garcia"] {
            ground.resident(&home.id, somebody(name, "1990-02-03")).await?;
        }
        assert_eq!(names(&ground, "清").await?, ["张清秀", "曾清平"]);
        assert_eq!(names(&ground, "秀").await?, ["张清秀", "李秀", "李秀英", "秀秀"]);
        assert_eq!(names(&ground, "张 清秀").await?, ["张清秀"]);
        assert_eq!(names(&ground, "zqx").await?, ["张清秀"]);
        assert_eq!(names(&ground, "CQP").await?, ["曾清平"]);
        assert_eq!(names(&ground, "zqp").await?, ["曾清平"]);
        assert_eq!(names(&ground, "m").await?, ["Maria Garcia"]);
        assert_eq!(names(&ground, "garcia").await?, ["Maria Garcia"]);
        assert_eq!(names(&ground, "139-1234-1550").await?, ["张清秀"]);
        assert_eq!(names(&ground, "51190319600501912x").await?, ["张清秀"]);
        assert_eq!(names(&ground, "明").await?, [""; 0]);
        for bad in ["%_", "1380013", "511903196005019124", " "] {
            let request = v1::SearchResidentsRequest {
                area_code: SUBDISTRICT.to_owned(),
                query: bad.to_owned(),
                ..Default::default()
            };
            let outcome = ground.door.clone().search_residents(ground.of(&manager(), request)?).await;
            assert_eq!(field(outcome), "query", "{bad}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn pages_hold_everybody_once() -> Result<()> {
    for ground in Ground::both().await? {
        let (here, there) = (ground.household(GRID, "1").await?, ground.household(OTHER_GRID, "2").await?);
        for n in 0..7 {
            let home = if n % 2 == 0 { &here } else { &there };
            ground.resident(&home.id, somebody("李秀秀", &format!("1990-02-0{}", n + 1))).await?;
        }
        let mut door = ground.door.clone();
        let mut search = v1::SearchResidentsRequest {
            area_code: "511903".to_owned(),
            query: "秀".to_owned(),
            page_size: 3,
            ..Default::default()
        };
        let mut list =
            v1::ListResidentsRequest { area_code: SUBDISTRICT.to_owned(), page_size: 3, ..Default::default() };
        let (mut found, mut listed) = (Vec::new(), Vec::new());
        loop {
            let page = door.search_residents(ground.of(&manager(), search.clone())?).await?.into_inner();
            found.extend(page.residents.into_iter().map(|r| r.id));
            search.page_token = page.next_page_token;
            if search.page_token.is_empty() {
                break;
            }
            let other = v1::SearchResidentsRequest { query: "李".to_owned(), ..search.clone() };
            let outcome = door.search_residents(ground.of(&manager(), other)?).await;
            assert_eq!(reason(outcome), "InvalidArgument PAGE_TOKEN_OF_ANOTHER_QUERY");
        }
        loop {
            let page = door.list_residents(ground.of(&manager(), list.clone())?).await?.into_inner();
            listed.extend(page.residents.into_iter().map(|r| (r.area_code, r.id)));
            list.page_token = page.next_page_token;
            if list.page_token.is_empty() {
                break;
            }
        }
        assert!(listed.is_sorted() && listed.len() == 7);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 7);

        // A narrower scope or area finds only what lies in it.
        let narrow = v1::SearchResidentsRequest { page_token: String::new(), page_size: 0, ..search };
        let page = door.search_residents(ground.of(&grid_worker(COMMUNITY), narrow.clone())?).await?.into_inner();
        assert_eq!(page.residents.len(), 4);
        let narrow = v1::SearchResidentsRequest { area_code: OTHER_GRID.to_owned(), ..narrow };
        let page = door.search_residents(ground.of(&manager(), narrow)?).await?.into_inner();
        assert_eq!(page.residents.len(), 3);
    }
    Ok(())
}
