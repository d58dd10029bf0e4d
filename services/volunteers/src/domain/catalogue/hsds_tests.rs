use proptest::prelude::*;

use super::*;
use crate::domain::catalogue::{Status, defaults};

fn office() -> Providers {
    let office =
        Office {
            id: Uuid::from_u128(7), name: "登科街道办事处".to_owned(), description: "街道办事处".to_owned()
        };
    Providers { office, organisations: HashMap::new() }
}

fn items() -> Vec<Item> {
    let list = defaults::dengke().expect("the list is whole");
    let updated_at = "2026-11-22T16:00:00Z".parse().expect("a time");
    let (area, assured_on) = (list.area, list.assured_on);
    let items = list.items.into_iter().map(|listed| Item {
        id: listed.id,
        code: listed.code,
        area,
        details: listed.details,
        status: Status::Active,
        alert: String::new(),
        owner: listed.owner,
        assured_on,
        updated_at,
    });
    items.collect()
}

#[test]
fn a_service_in_full() {
    let item = items().into_iter().find(|item| item.code == "meal_delivery").expect("meals are brought");
    insta::assert_snapshot!(serde_json::to_string_pretty(&service(&item, &office(), Depth::Full)).expect("JSON"));
}

#[test]
fn what_hsds_requires_is_there_at_every_depth() {
    for item in items() {
        for depth in [Depth::Minimal, Depth::Plain, Depth::Full] {
            let shown = service(&item, &office(), depth);
            assert!(shown["id"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()), "{shown}");
            assert!(shown["name"].as_str().is_some_and(|name| !name.is_empty()), "{shown}");
            assert_eq!(shown["status"], "active");
            assert!(
                shown.get("owner").is_none() && !shown.to_string().contains(&item.owner),
                "no account is published"
            );
        }
    }
}

#[test]
fn an_organisation_is_named_once_the_public_knows_it() {
    let club = Uuid::from_u128(9);
    let mut item = items().remove(0);
    item.details.organisation_id = Some(club);
    let mut by = office();
    let hidden = service(&item, &by, Depth::Full);
    assert_eq!(
        (hidden["organization_id"].as_str(), hidden.get("organization")),
        (Some(club.to_string().as_str()), None)
    );
    let uscc = Some("52511903MJQ01234XX".to_owned());
    by.organisations.insert(club, Provider { name: "社工中心".to_owned(), services: "助老".to_owned(), uscc });
    let shown = service(&item, &by, Depth::Full);
    assert_eq!(shown["organization"]["name"], "社工中心");
    assert_eq!(shown["organization"]["organization_identifiers"][0]["identifier"], "52511903MJQ01234XX");
}

#[test]
fn all_that_is_asked_must_hold() {
    let (items, office) = (items(), office());
    let count = |wanted: &Wanted| page(&items, &office, wanted, Depth::Minimal, (1, 100)).total_items;
    let search = |text: &str| Wanted { search: text.to_owned(), ..Wanted::default() };
    assert_eq!(count(&Wanted::default()), 25);
    assert_eq!(count(&search(" MEDICINE ")), count(&search("medicine")));
    assert!((1..25).contains(&count(&search("药"))));
    assert_eq!(count(&search("no such thing")), 0);
    assert_eq!(count(&Wanted { of_taxonomy: true, ..Wanted::default() }), 0);
    assert_eq!(count(&Wanted { organization_id: Some(Uuid::from_u128(7)), ..Wanted::default() }), 25);
    assert_eq!(count(&Wanted { organization_id: Some(Uuid::from_u128(8)), ..search("药") }), 0);
    assert_eq!(
        count(&Wanted { modified_after: Some(items[0].updated_at), ..Wanted::default() }),
        0,
        "later, not since"
    );
}

proptest! {
    /// The pages of any size hold every item once, in order, and say truly where they stand.
    #[test]
    fn pages_hold_everything_once(per_page in 1usize..40) {
        let (items, office) = (items(), office());
        let first = page(&items, &office, &Wanted::default(), Depth::Minimal, (1, per_page));
        let mut seen = Vec::new();
        for number in 1..=first.total_pages {
            let page = page(&items, &office, &Wanted::default(), Depth::Minimal, (number, per_page));
            prop_assert_eq!((page.first_page, page.last_page), (number == 1, number == first.total_pages));
            prop_assert_eq!((page.size, page.empty), (page.contents.len(), false));
            seen.extend(page.contents);
        }
        prop_assert_eq!(seen.len(), items.len());
        for (shown, item) in seen.iter().zip(&items) {
            prop_assert_eq!(&shown["id"], &json!(item.id.to_string()));
        }
        let beyond = page(&items, &office, &Wanted::default(), Depth::Minimal, (first.total_pages + 1, per_page));
        prop_assert!(beyond.empty && beyond.last_page && beyond.contents.is_empty());
    }
}
