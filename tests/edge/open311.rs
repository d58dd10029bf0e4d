//! Open311 as its clients speak it, over the whole program, on both backends.

mod client;
mod week;
mod xml;

use anyhow::Result;
use serde_json::{Value, json};

use self::client::{Format, Office, form};
use crate::ground::id;

const POTHOLE: &[(&str, &str)] = &[
    ("service_code", "roads.surface"),
    ("lat", "31.860491270000001"),
    ("long", "106.7512379"),
    ("address_string", "白玉街12号门前"),
    ("description", "路面有个大坑 </description><x>&amp;\"' ]]>\r\n第二行\t完"),
    ("attribute[size]", "large"),
    ("first_name", "小丽"),
    ("last_name", "王"),
    ("phone", "139 1234 1550"),
    ("email", "xiaoli@example.org"),
    ("device_id", "device-7"),
    ("media_url", "https://pictures.example.org/1.jpg?a=1&b=2"),
];

fn with<'f>(fields: &[(&'f str, &'f str)], more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    fields.iter().filter(|(name, _)| !replaced(name)).chain(more).copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_goes_in_and_comes_out() -> Result<()> {
    for office in Office::both().await? {
        let number = office.submit(Format::Xml, POTHOLE).await?;
        let json = office.get(&format!("requests/{number}.json")).await?.json()?;
        let [request] = json.as_array().map(Vec::as_slice).unwrap_or_default() else { anyhow::bail!("{json}") };
        assert_eq!(request["service_request_id"], number.as_str());
        assert_eq!(request["description"], POTHOLE[4].1, "to the letter");
        assert_eq!(
            (&request["address"], &request["service_code"]),
            (&json!("白玉街12号门前"), &json!("roads.surface"))
        );
        assert_eq!((&request["lat"], &request["long"]), (&json!(31.860_491_27), &json!(106.751_237_9)));
        assert_eq!((&request["status"], &request["service_name"]), (&json!("open"), &json!("路面破损")));
        assert_eq!(request["media_url"], "https://pictures.example.org/1.jpg?a=1&b=2");
        assert_eq!((&request["address_id"], &request["zipcode"]), (&json!("511903001"), &Value::Null));
        for time in ["requested_datetime", "updated_datetime"] {
            assert!(request[time].as_str().is_some_and(|at| at.ends_with("+08:00")), "{time}: {request}");
        }
        assert!(request.get("notes").is_none() && request.get("extended_attributes").is_none());

        let answer = office.get(&format!("requests/{number}.xml")).await?;
        let root = answer.xml()?;
        assert_eq!((root.name.as_str(), root.children.len()), ("service_requests", 1));
        let request = &root.children[0];
        assert_eq!((request.name.as_str(), request.text("description")), ("request", POTHOLE[4].1));
        assert_eq!(request.text("media_url"), "https://pictures.example.org/1.jpg?a=1&b=2");
        assert!(answer.body.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"), "{}", answer.body);
        // Who sent it is the office's alone.
        for body in [&answer.body, &json.to_string()] {
            for inside in ["小丽", "1550", "xiaoli", "device-7", "large"] {
                assert!(!body.contains(inside), "{inside}: {body}");
            }
        }
        let extended = office.get(&format!("requests/{number}.json?extensions=true")).await?.json()?;
        assert_eq!(extended[0]["extended_attributes"]["state"], "reported");
        assert_eq!(extended[0]["notes"][0]["type"], "reported");

        // Several ways to say the same, and to ask for it.
        let listed = office
            .get(&format!("requests.xml?service_request_id={number},20010101-000000&service_code=none&status=closed"))
            .await?;
        assert_eq!(listed.xml()?.children.len(), 1, "the id overrides everything else");
        let second =
            office.submit(Format::Json, &with(POTHOLE, &[("address_id", "511903001008"), ("api_key", "")])).await;
        assert!(second.is_err(), "an empty key is none");
        let second = office
            .submit(Format::Json, &with(POTHOLE, &[("address_id", "511903001008"), ("lat", ""), ("long", "")]))
            .await?;
        let shown = office.get(&format!("requests/{second}.json")).await?.json()?;
        assert_eq!((&shown[0]["address_id"], &shown[0]["lat"]), (&json!("511903001008"), &Value::Null));
        let all =
            office.get("requests.json?status=open&service_code=roads.surface,roads.parking&page_size=1&page=2").await?;
        assert_eq!(all.json()?[0]["service_request_id"], number.as_str(), "the newest first");
        assert_eq!(office.get("requests.json?status=closed").await?.json()?, json!([]));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered() -> Result<()> {
    for office in Office::both().await? {
        for path in ["/open311/discovery", "/open311/v2/discovery"] {
            let json = office.at(&format!("{path}.json")).await?.json()?;
            assert_eq!(json["endpoints"][0]["specification"], "http://wiki.open311.org/GeoReport_v2");
            assert_eq!(json["endpoints"][0]["url"], office.endpoint.trim_end_matches('/'));
            assert_eq!(json["endpoints"][0]["formats"], json!(["text/xml", "application/json"]));
            for field in ["changeset", "contact", "key_service"] {
                assert!(json[field].is_string(), "{field}");
            }
            let xml = office.at(&format!("{path}.xml")).await?.xml()?;
            assert_eq!(
                (xml.name.as_str(), xml.child("endpoints").children[0].text("type")),
                ("discovery", "production")
            );
        }
        let services = office.get("services.json").await?.json()?;
        let services = services.as_array().cloned().unwrap_or_default();
        assert!(services.iter().all(|service| {
            service["service_code"].is_string() && service["metadata"].is_boolean() && service["type"] == "realtime"
        }));
        let gas =
            services.iter().find(|service| service["service_code"] == "utilities.gas").cloned().unwrap_or_default();
        assert_eq!((&gas["service_name"], &gas["group"]), (&json!("燃气异味或故障"), &json!("水电气")));
        assert!(gas["description"].as_str().is_some_and(|text| text.contains("119")), "{gas}");
        assert!(!services.iter().any(|service| service["service_code"] == "neighbours.dispute"));
        let xml = office.get("services.xml").await?.xml()?;
        assert_eq!((xml.name.as_str(), xml.children.len()), ("services", services.len()));

        let definition = office.get("services/utilities.gas.json").await?.json()?;
        let first = &definition["attributes"][0];
        assert_eq!((&first["code"], &first["required"], &first["order"]), (&json!("smell"), &json!(true), &json!(1)));
        assert_eq!(first["values"][0], json!({ "key": "yes", "name": "是" }));
        let xml = office.get("services/utilities.gas.xml").await?.xml()?;
        let attribute = &xml.child("attributes").children[0];
        assert_eq!((attribute.text("datatype"), attribute.text("required")), ("singlevaluelist", "true"));
        assert_eq!(attribute.child("values").children.len(), 3);
        let parking = office.get("services/roads.parking.json").await?.json()?;
        assert!(parking["attributes"].is_array());
    }
    Ok(())
}

/// What is wrong, the form, the status, and a word of what is said.
type Case<'c> = (&'c str, Vec<(&'c str, &'c str)>, u16, &'c str);

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_its_code_in_both_forms() -> Result<()> {
    for office in Office::both().await? {
        let whole = with(POTHOLE, &[("api_key", office.key.as_str())]);
        let long = "坑".repeat(4_001);
        let posts: &[Case<'_>] = &[
            ("no key", with(&whole, &[("api_key", "")]), 403, "api_key"),
            ("a wrong key", with(&whole, &[("api_key", "xyz")]), 403, "api_key"),
            ("a key with a line feed", with(&whole, &[("api_key", "x\r\ny")]), 403, "api_key"),
            ("no service", with(&whole, &[("service_code", "")]), 400, "service_code"),
            ("an unknown service", with(&whole, &[("service_code", "001")]), 404, "service_code"),
            ("a group", with(&whole, &[("service_code", "roads")]), 404, "service_code"),
            ("not for the public", with(&whole, &[("service_code", "neighbours.dispute")]), 404, "service_code"),
            ("no place", with(&whole, &[("lat", ""), ("long", ""), ("address_string", "")]), 400, "location"),
            ("half a point", with(&whole, &[("long", "")]), 400, "long"),
            ("no degrees", with(&whole, &[("lat", "31°51'")]), 400, "lat"),
            ("off the earth", with(&whole, &[("lat", "91")]), 400, "lat"),
            ("not an area", with(&whole, &[("address_id", "17")]), 400, "address_id"),
            ("another area", with(&whole, &[("address_id", "511903002")]), 403, "granted"),
            ("too long", with(&whole, &[("description", &long)]), 400, "description"),
            ("control characters", with(&whole, &[("description", "a\u{1b}[2J")]), 400, "description"),
            ("an unknown attribute", with(&whole, &[("attribute[colour]", "red")]), 400, "attribute"),
            ("an unknown value", with(&whole, &[("attribute[size]", "huge")]), 400, "attribute"),
            (
                "no required attribute",
                with(&whole, &[("service_code", "utilities.gas"), ("attribute[size]", "")]),
                400,
                "smell",
            ),
            ("no address of a picture", with(&whole, &[("media_url", "javascript:alert(1)")]), 400, "media_url"),
            ("another jurisdiction", with(&whole, &[("jurisdiction_id", "sfgov.org")]), 404, "jurisdiction_id"),
        ];
        for (what, fields, code, about) in posts {
            for format in [Format::Xml, Format::Json] {
                let answer = office.post(&format!("requests.{}", format.suffix()), fields).await?;
                let (told, description) = answer.error(format)?;
                assert_eq!((answer.status, told), (*code, *code), "{what}: {description}");
                assert!(description.contains(about), "{what}: {description}");
            }
        }
        for (path, code) in [
            ("requests/20261122-7K3M9Q", 404),
            ("requests/17", 404),
            ("services/001", 404),
            ("services/roads", 404),
            ("tokens/12345", 404),
            ("nothing", 404),
            ("requests?jurisdiction_id=sfgov.org", 404),
            ("services?jurisdiction_id=sfgov.org", 404),
            ("requests?status=fixed", 400),
            ("requests?start_date=2026-01-01", 400),
            ("requests?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z", 400),
            ("requests?page=0", 400),
            ("requests?page_size=1001", 400),
            ("requests?extensions=perhaps", 400),
            ("requests?service_code=%ff", 400),
        ] {
            for format in [Format::Xml, Format::Json] {
                let (before, after) = path.split_once('?').map_or((path, String::new()), |(p, q)| (p, format!("?{q}")));
                let answer = office.get(&format!("{before}.{}{after}", format.suffix())).await?;
                assert_eq!((answer.status, answer.error(format)?.0), (code, code), "{path}");
            }
        }
        for path in ["services", "services.yaml", "", "requests/x.html"] {
            assert_eq!(office.get(path).await?.error(Format::Xml)?.0, 404, "{path}");
        }
        assert_eq!(office.post("services.xml", &whole).await?.error(Format::Xml)?.0, 405);
        // A key in an address counts for nothing, whether it holds or not.
        let keyless = with(&whole, &[("api_key", "")]);
        let in_query = office.post(&format!("requests.json?api_key={}", office.key), &keyless).await?;
        assert_eq!(in_query.error(Format::Json)?.0, 403, "{in_query:?}");
        assert_eq!(office.get("requests.json?api_key=xyz").await?.json()?, json!([]));
        let json = office.send("requests.json", "application/json", "{}".to_owned()).await?;
        assert_eq!(json.error(Format::Json)?.0, 400, "only a form");
        let latin = "application/x-www-form-urlencoded; charset=iso-8859-1";
        assert_eq!(office.send("requests.json", latin, form(&whole)).await?.error(Format::Json)?.0, 400);
        let path = office.at("/open311/v2//services.json").await?;
        assert_eq!((path.status, path.error(Format::Json)?.0), (400, 400), "the door refuses in the same form");
        assert_eq!(office.get("requests.json").await?.json()?, json!([]), "nothing was taken");
        // The right jurisdiction, and an empty one, are as good as none.
        for jurisdiction in ["dengke.example.cn", ""] {
            let path = format!("requests.json?jurisdiction_id={jurisdiction}&status=&start_date=&page=");
            assert_eq!(office.get(&path).await?.status, 200);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_go_both_ways() -> Result<()> {
    for office in Office::both().await? {
        let number = office.submit(Format::Xml, POTHOLE).await?;
        let at = "2026-11-23T09:00:00+08:00";
        let update = |id: &'static str, status: &'static str| {
            [
                ("api_key", office.key.clone()),
                ("service_request_id", number.clone()),
                ("update_id", id.to_owned()),
                ("status", status.to_owned()),
                ("updated_datetime", at.to_owned()),
                ("description", format!("坑更大了 <b>{id}</b>")),
            ]
        };
        let post = async |fields: &[(&str, String)]| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            office.post("servicerequestupdates.xml", &fields).await
        };
        let first = post(&update("c-1", "OPEN")).await?.xml()?;
        assert_eq!(
            (first.name.as_str(), first.children[0].name.as_str()),
            ("service_request_updates", "request_update")
        );
        let first = first.children[0].text("update_id").to_owned();
        let again = post(&update("c-1", "OPEN")).await?.xml()?;
        assert_eq!(again.children[0].text("update_id"), first, "it came only once");

        let incident = office.dispatcher.incident_of(&number).await?;
        office
            .dispatcher
            .act(&incident, "triage", json!({ "category": "roads.surface", "urgency": "URGENCY_ROUTINE" }))
            .await?;
        office.dispatcher.act(&incident, "dispatch", json!({ "unit": "sanitation" })).await?;
        for (action, body) in
            [("accept", json!({})), ("startWork", json!({})), ("proposeSolution", json!({ "solution": "已填平" }))]
        {
            office.handler.act(&incident, action, body).await?;
        }
        let request = office.get(&format!("requests/{number}.json")).await?.json()?;
        assert_eq!((&request[0]["status"], &request[0]["status_notes"]), (&json!("open"), &json!("已填平")));
        assert!(request[0]["expected_datetime"].as_str().is_some_and(|at| at.ends_with("+08:00")), "our promise");
        // That others call it fixed closes nothing; that it is not opens it again.
        post(&update("c-2", "FIXED")).await?.xml()?;
        assert_eq!(office.get(&format!("requests/{number}.json")).await?.json()?[0]["status"], "open");
        post(&update("c-3", "REOPEN")).await?.xml()?;
        office.handler.act(&incident, "proposeSolution", json!({ "solution": "又填了一次" })).await?;
        office.clerk.act(&incident, "confirmSolution", json!({ "satisfaction": "SATISFACTION_SATISFIED" })).await?;
        let request = office.get(&format!("requests/{number}.json")).await?.json()?;
        assert_eq!(request[0]["status"], "closed");

        let updates = office.get("servicerequestupdates.xml").await?.xml()?;
        let told: Vec<_> =
            updates.children.iter().map(|update| (update.text("status"), update.text("description"))).collect();
        assert_eq!(
            told,
            [
                ("open", "坑更大了 <b>c-1</b>"),
                ("investigating", ""),
                ("action_scheduled", ""),
                ("action_scheduled", ""),
                ("action_scheduled", ""),
                ("in_progress", ""),
                ("in_progress", "已填平"),
                ("in_progress", "坑更大了 <b>c-2</b>"),
                ("in_progress", ""),
                ("in_progress", "又填了一次"),
                ("fixed", ""),
            ]
        );
        assert_eq!(updates.children[0].text("update_id"), first, "whoever sent it knows it again");
        assert!(updates.children.iter().all(|update| update.text("service_request_id") == number));
        let json = office.get("servicerequestupdates.json?page_size=2&page=2").await?.json()?;
        assert_eq!(json[0]["update_id"], updates.children[2].text("update_id"));
        assert_eq!(office.get("servicerequestupdates.json?start_date=2001-01-01T00:00:00Z").await?.json()?, json!([]));

        let mut foreign = update("c-4", "OPEN");
        foreign[0].1.clone_from(&office.other_key);
        for (what, fields, code) in [
            ("a report of somebody else", foreign.to_vec(), 404),
            ("no text", update("c-4", "OPEN")[..5].to_vec(), 400),
            ("a strange status", update("c-4", "PAINTED").to_vec(), 400),
            ("no key", update("c-4", "OPEN")[1..].to_vec(), 403),
        ] {
            assert_eq!(post(&fields).await?.error(Format::Xml)?.0, code, "{what}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_sent_twice_is_taken_once() -> Result<()> {
    for office in Office::both().await? {
        let key = id();
        let mut numbers = Vec::new();
        for _ in 0..2 {
            let fields = form(&with(POTHOLE, &[("api_key", office.key.as_str())]));
            let answer =
                office.send_as("requests.json", client::FORM, fields, &[("idempotency-key", key.as_str())]).await?;
            numbers.push(answer.json()?[0]["service_request_id"].clone());
        }
        assert_eq!((numbers[0].is_string(), &numbers[0]), (true, &numbers[1]));
        assert_eq!(office.get("requests.json").await?.json()?.as_array().map(Vec::len), Some(1));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_asks_how_it_stands() -> Result<()> {
    for office in Office::both().await? {
        let number = office.submit(Format::Json, POTHOLE).await?;
        let asked = |digits: &str| json!({ "number": number, "phoneSuffix": digits });
        let desk = &office.desk;
        let status = desk.post("/v1/reports:lookUp", "", &asked("1550")).await?.good()?;
        assert_eq!((&status["number"], &status["state"]), (&json!(number), &json!("INCIDENT_STATE_REPORTED")));
        let wrong = desk.post("/v1/reports:lookUp", "", &asked("1551")).await?;
        let unknown =
            desk.post("/v1/reports:lookUp", "", &json!({ "number": "20010101-000000", "phoneSuffix": "1550" })).await?;
        assert_eq!((wrong.status, wrong.body), (404, unknown.body.clone()), "the same answer");
        for _ in 0..9 {
            desk.post("/v1/reports:lookUp", "", &asked("1551")).await?;
        }
        let shut = desk.post("/v1/reports:lookUp", "", &asked("1550")).await?;
        assert_eq!((shut.status, shut.reason()), (403, "TRIED_TOO_OFTEN"));
        let page = office.at("/status").await?;
        assert_eq!((page.status, page.kind.as_str()), (200, "text/html; charset=utf-8"));
        for file in ["page.js", "page.css"] {
            assert!(page.body.contains(&format!("\"/status/{file}\"")), "{file}");
            assert_eq!(office.at(&format!("/status/{file}")).await?.status, 200);
        }
    }
    Ok(())
}
