//! Who reads what, and what no table shows.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{self, QualificationKind},
};

use crate::ground::{GRID, Ground, Person, application, clerk, manager, neighbour, new_id, worker};

#[tokio::test]
async fn a_volunteer_is_shown_for_a_purpose_and_the_look_is_kept() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let masked = ground.get(&clerk(), &active.id).await?;
        assert_eq!((masked.name.as_str(), masked.birth_date.as_str()), ("张*", "1980"));
        assert_eq!(ground.count("audit").await?, 0);
        let clear = ground.get(&clerk().because("volunteer_service"), &active.id).await?;
        assert_eq!((clear.name.as_str(), clear.birth_date.as_str(), clear.phone.len()), ("张清秀", "1980-05-01", 11));
        assert_eq!(ground.count("audit").await?, 1);
        let own = ground.get(&zhang.clone().because("own_matter"), &active.id).await?;
        assert_eq!(own.phone, clear.phone);
        assert!(ground.get(&neighbour("u-li"), &active.id).await.is_err(), "another volunteer's record is not there");
        let elsewhere = Person::new("u-other", Role::GridWorker, "511903001009");
        assert!(ground.get(&elsewhere, &active.id).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn of_the_young_only_managers_read_one_at_a_time() -> Result<()> {
    for ground in Ground::both().await? {
        let mut request = application("周小雨");
        request.volunteer.iter_mut().for_each(|said| said.birth_date = "2010-05-01".to_owned());
        let zhou = neighbour("u-zhou");
        let young = ground.people().create_volunteer(ground.of(&zhou, request)?).await?.into_inner();
        let shown = |who: Person| {
            let (ground, id) = (&ground, young.id.clone());
            async move { ground.get(&who, &id).await.map(|volunteer| volunteer.name) }
        };
        assert_eq!(shown(worker().because("volunteer_service")).await?, "周*");
        assert_eq!(ground.count("audit").await?, 0, "what stays masked was not looked at");
        assert_eq!(shown(manager().because("volunteer_service")).await?, "周小雨");
        assert_eq!(shown(zhou.because("own_matter")).await?, "周小雨");
        let list = v1::ListVolunteersRequest { area_code: GRID.to_owned(), ..v1::ListVolunteersRequest::default() };
        let request = ground.of(&manager().because("volunteer_service"), list)?;
        let listed = ground.people().list_volunteers(request).await?.into_inner().volunteers;
        assert_eq!((listed[0].name.as_str(), listed[0].phone.as_str()), ("周*", ""));
    }
    Ok(())
}

const CANARIES: [&str; 5] = ["19183476205", "CANARY-REFERENCE", "CANARY-POLICY", "欧阳菖蒲", "19183476312"];

#[tokio::test]
async fn no_table_shows_what_is_sealed() -> Result<()> {
    for ground in Ground::both().await? {
        let mut request = application("周小雨");
        request.volunteer.iter_mut().for_each(|said| {
            said.birth_date = "2010-05-01".to_owned();
            CANARIES[0].clone_into(&mut said.phone);
        });
        let young = ground.people().create_volunteer(ground.of(&clerk(), request)?).await?.into_inner();
        let who = manager().because("volunteer_service");
        let qualification = v1::Qualification {
            kind: QualificationKind::FirstAid.into(),
            issued_on: ground.today(),
            reference: CANARIES[1].to_owned(),
            ..v1::Qualification::default()
        };
        let record = v1::RecordQualificationRequest {
            volunteer_id: young.id.clone(),
            qualification: Some(qualification),
            request_id: new_id(),
        };
        let shown = ground.people().record_qualification(ground.of(&who, record)?).await?.into_inner();
        assert_eq!(shown.reference, CANARIES[1]);
        let insurance = v1::Insurance {
            insurer: "某保险公司".to_owned(),
            policy_number: CANARIES[2].to_owned(),
            covers_from: ground.today(),
            covers_until: "2027-01-01".to_owned(),
            ..v1::Insurance::default()
        };
        let record = v1::RecordInsuranceRequest {
            volunteer_id: young.id.clone(),
            insurance: Some(insurance),
            request_id: new_id(),
        };
        ground.people().record_insurance(ground.of(&who, record)?).await?;
        let consent = v1::GuardianConsent {
            guardian_name: CANARIES[3].to_owned(),
            guardian_phone: CANARIES[4].to_owned(),
            channel: v1::ConsentChannel::Paper.into(),
            text_version: "1".to_owned(),
            given_on: ground.today(),
            ..v1::GuardianConsent::default()
        };
        let record = v1::RecordGuardianConsentRequest {
            volunteer_id: young.id.clone(),
            consent: Some(consent),
            request_id: new_id(),
        };
        let shown = ground.people().record_guardian_consent(ground.of(&who, record.clone())?).await?.into_inner();
        assert_eq!(shown.guardian_name, CANARIES[3]);
        let list = v1::ListGuardianConsentsRequest { volunteer_id: young.id.clone() };
        let request = ground.of(&worker().because("volunteer_service"), list)?;
        let hidden = ground.people().list_guardian_consents(request).await?.into_inner().consents;
        assert_eq!(hidden[0].guardian_name, "", "a grid worker does not read guardians");

        let dump = dump(&ground).await?;
        assert!(dump.windows(young.id.len()).any(|part| part == young.id.as_bytes()), "the dump holds the rows");
        for canary in CANARIES {
            for form in [canary.to_owned(), hex(canary)] {
                assert!(!dump.windows(form.len()).any(|part| part == form.as_bytes()), "{form}");
            }
        }
        reseal(&ground).await?;
    }
    Ok(())
}

/// Every sealed column is known to the rotation of keys.
async fn reseal(ground: &Ground) -> Result<()> {
    ground.keys.rotate().await?;
    let mut resealed = 0;
    for column in linju_volunteers::store::sealed_columns() {
        let progress = chassis::data::reseal_column(&ground.db, &ground.keys, column, None, |_| {}).await?;
        assert_eq!((progress.seen, progress.unreadable), (progress.resealed, 0), "{}", column.column);
        resealed += progress.resealed;
    }
    assert_eq!(resealed, 5);
    Ok(())
}

/// As Postgres prints bytes.
fn hex(text: &str) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// Every row of every table; of SQLite the files themselves.
async fn dump(ground: &Ground) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    if ground.is_postgres() {
        for table in ground.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await? {
            for row in ground.rows(&format!("SELECT t::text FROM \"{table}\" t")).await? {
                all.extend(row.into_bytes());
            }
        }
    } else {
        for file in ["volunteers.db", "volunteers.db-wal"] {
            all.extend(std::fs::read(ground.folder.path().join(file))?);
        }
    }
    Ok(all)
}
