//! Files of incidents: what is taken, who reads it, what the store keeps, and that nothing stays half done.

mod scene;

use anyhow::{Context as _, Result};
use chassis::{
    access::{Principal, Role},
    events::{Event, Head},
};
use chrono::TimeDelta;
use http::{Request, StatusCode};
use linju_gateway::attachments::{AttachmentSettings, Attachments};
use linju_proto::{
    gateway::v1::{DeleteAttachmentRequest, ListAttachmentsRequest},
    incidents::v1::EmergencyRecordsDestroyed,
};
use test_servers::S3;
use tonic::Code;

use scene::{Scene, in_bucket, person, photo};

fn resident() -> Principal {
    person("u-resident", Role::Resident, "511903001")
}

fn neighbour() -> Principal {
    person("u-neighbour", Role::Resident, "511903001")
}

fn dispatcher() -> Principal {
    person("u-dispatcher", Role::Dispatcher, "511903001")
}

fn manager() -> Principal {
    person("u-manager", Role::CommunityManager, "511903001008")
}

/// An S3 server; none, and the test says so, where it is not installed.
async fn server() -> Result<Option<S3>> {
    match tokio::task::spawn_blocking(S3::start).await? {
        Err(error) if error.to_string().contains("not installed") => {
            test_servers::skipped(&error.to_string());
            Ok(None)
        }
        started => started.map(Some),
    }
}

async fn the_way_of_a_photo(scene: &Scene) -> Result<()> {
    let incident = scene.report(&resident()).await?;
    let sent = scene.upload(&resident(), &incident, "%E5%BC%A0%E6%B8%85%E7%A7%80.png", photo(1)).await?;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&sent.body));
    let told = sent.json()?;
    let id = told["id"].as_str().context("an id")?;
    assert_eq!(sent.header("location"), format!("/v1/attachments/{id}"));
    assert_eq!((&told["contentType"], &told["width"], &told["own"]), (&"image/jpeg".into(), &640.into(), &true.into()));
    assert!(told.get("filename").is_none(), "a name is personal: {told}");

    // Reading needs a purpose, and is written down.
    assert_eq!(scene.content(&resident(), "", id, "content").await?.status, StatusCode::FORBIDDEN);
    let looks = scene.count("audit").await?;
    for (who, purpose) in [(resident(), "own_matter"), (dispatcher(), "case_handling")] {
        let got = scene.content(&who, purpose, id, "content").await?;
        assert_eq!(got.status, StatusCode::OK, "{}", String::from_utf8_lossy(&got.body));
        assert_eq!((got.header("content-type"), got.header("x-content-type-options")), ("image/jpeg", "nosniff"));
        let policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox";
        assert_eq!(got.header("content-security-policy"), policy);
        let disposition = got.header("content-disposition");
        assert!(disposition.starts_with("attachment; ") && disposition.ends_with("%E5%BC%A0%E6%B8%85%E7%A7%80.jpg"));
        assert_eq!(got.header("content-length"), got.body.len().to_string());
        assert_eq!(told["size"], got.body.len().to_string());
        assert_eq!(image::load_from_memory(&got.body)?.width(), 640);
    }
    assert_eq!(scene.count("audit").await?, looks + 2);
    let small = scene.content(&resident(), "own_matter", id, "thumbnail").await?;
    assert_eq!((small.status, image::load_from_memory(&small.body)?.width()), (StatusCode::OK, 320));

    // To others there is none.
    for part in ["content", "thumbnail"] {
        assert_eq!(scene.content(&neighbour(), "own_matter", id, part).await?.status, StatusCode::NOT_FOUND);
    }
    let elsewhere = person("u-elsewhere", Role::Dispatcher, "511903002");
    assert_eq!(scene.content(&elsewhere, "case_handling", id, "content").await?.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.upload(&neighbour(), &incident, "x.jpg", photo(2)).await?.status, StatusCode::NOT_FOUND);
    let auditor = person("u-auditor", Role::Auditor, "511903001");
    assert_eq!(scene.upload(&auditor, &incident, "x.jpg", photo(2)).await?.status, StatusCode::FORBIDDEN);

    assert_eq!(scene.uploaded(&resident(), &incident, photo(1)).await?, id, "the same again is the one that is there");
    let other = scene.uploaded(&dispatcher(), &incident, photo(2)).await?;
    let list = ListAttachmentsRequest { parent: format!("incidents/{incident}"), ..Default::default() };
    let all = scene.attachments().list_attachments(scene.of(&resident(), "", list)?).await?.into_inner().attachments;
    let listed: Vec<_> = all.iter().map(|one| (one.id.as_str(), one.filename.as_str(), one.own)).collect();
    assert_eq!(listed, [(id, "", true), (other.as_str(), "", false)]);

    let delete = |who: Principal, id: &str| {
        let request = scene.of(&who, "", DeleteAttachmentRequest { id: id.to_owned() });
        async move { anyhow::Ok(scene.attachments().delete_attachment(request?).await.map_err(|s| s.code()).err()) }
    };
    assert_eq!(delete(neighbour(), id).await?, Some(Code::NotFound));
    assert_eq!(delete(resident(), &other).await?, Some(Code::PermissionDenied));
    assert_eq!(delete(manager(), &other).await?, None);
    assert_eq!(delete(resident(), id).await?, None);
    assert_eq!(delete(resident(), id).await?, Some(Code::NotFound));
    assert_eq!(scene.content(&resident(), "own_matter", id, "content").await?.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.count("attachments").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_photo_in_a_folder_on_sqlite() -> Result<()> {
    let scene = Scene::sqlite(AttachmentSettings::default()).await?;
    the_way_of_a_photo(&scene).await?;
    assert!(scene.stored()?.is_empty(), "what is deleted is gone from the store");
    Ok(())
}

#[tokio::test]
async fn a_photo_in_a_folder_on_postgres() -> Result<()> {
    the_way_of_a_photo(&Scene::postgres(AttachmentSettings::default()).await?).await
}

/// The same in a bucket, and what becomes of files while its server is away.
#[tokio::test]
async fn a_photo_in_a_bucket() -> Result<()> {
    let Some(mut server) = server().await? else { return Ok(()) };
    let keys = tempfile::tempdir()?;
    let scene = Scene::sqlite(in_bucket(&server, keys.path(), "one/")?).await?;
    the_way_of_a_photo(&scene).await?;
    the_way_of_a_photo(&Scene::postgres(in_bucket(&server, keys.path(), "two/")?).await?).await?;

    let incident = scene.report(&resident()).await?;
    let kept = scene.uploaded(&resident(), &incident, photo(3)).await?;
    server = tokio::task::spawn_blocking(move || server.kill9().map(|()| server)).await??;
    let refused = scene.upload(&resident(), &incident, "b.jpg", photo(4)).await?;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", String::from_utf8_lossy(&refused.body));
    let away = scene.content(&resident(), "own_matter", &kept, "content").await?;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    let delete = DeleteAttachmentRequest { id: kept.clone() };
    scene.attachments().delete_attachment(scene.of(&resident(), "", delete)?).await?;
    assert_eq!(scene.count("attachments WHERE state = 'stored'").await?, 0);

    let _server = tokio::task::spawn_blocking(move || server.restart().map(|()| server)).await??;
    assert_eq!(scene.sweep().await?.0, 2, "what was not kept, and what was deleted meanwhile");
    assert_eq!(scene.count("attachments").await?, 0);
    scene.clock.advance(TimeDelta::days(2));
    assert_eq!(scene.sweep().await?, (0, 0), "nothing is left in the bucket");
    scene.uploaded(&resident(), &incident, photo(4)).await?;
    Ok(())
}

/// What incidents tells when an emergency is long over reaches the files, too.
#[tokio::test]
async fn files_of_destroyed_records_go_with_them() -> Result<()> {
    for scene in
        [Scene::sqlite(AttachmentSettings::default()).await?, Scene::postgres(AttachmentSettings::default()).await?]
    {
        let (gone, stays) = (scene.report(&resident()).await?, scene.report(&resident()).await?);
        let lost = scene.uploaded(&resident(), &gone, photo(1)).await?;
        scene.uploaded(&dispatcher(), &gone, photo(2)).await?;
        let kept = scene.uploaded(&resident(), &stays, photo(1)).await?;
        let message = EmergencyRecordsDestroyed {
            emergency_id: uuid::Uuid::from_u128(7).to_string(),
            area_code: "511903001008002".to_owned(),
            incident_ids: vec![gone.clone()],
        };
        let area = "511903001008002".parse()?;
        let head = Head {
            id: uuid::Uuid::from_u128(8),
            key: uuid::Uuid::from_u128(7),
            version: 9,
            area,
            at: scene.clock.now(),
        };
        let event = Event::new(head, &message);
        let consumer = Attachments::consumer();
        assert!(consumer.subjects.iter().any(|subject| reaches(subject, &event.subject)), "{}", event.subject);
        // The same event may come twice.
        for _ in 0..2 {
            let (handler, event) = (consumer.handler.clone(), event.clone());
            let write = scene.db.write(move |tx| {
                let (handler, event) = (handler.clone(), event.clone());
                Box::pin(async move { handler.handle(tx, &event).await })
            });
            write.await?;
        }
        let read = scene.content(&resident(), "own_matter", &lost, "content").await?;
        assert_eq!(read.status, StatusCode::NOT_FOUND);
        assert_eq!(scene.sweep().await?.0, 2);
        assert_eq!(scene.count("attachments").await?, 1);
        assert_eq!(scene.stored()?.len(), 2, "the other record's file and its thumbnail");
        assert_eq!(scene.content(&resident(), "own_matter", &kept, "content").await?.status, StatusCode::OK);
    }
    Ok(())
}

/// Whether a subject with `*` for single words takes this one.
fn reaches(pattern: &str, subject: &str) -> bool {
    let (pattern, subject): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), subject.split('.').collect());
    pattern.len() == subject.len() && pattern.iter().zip(&subject).all(|(word, of)| *word == "*" || word == of)
}

#[tokio::test]
async fn the_store_sees_neither_picture_nor_name() -> Result<()> {
    let scene = Scene::sqlite(AttachmentSettings::default()).await?;
    let incident = scene.report(&resident()).await?;
    let id = scene.uploaded(&resident(), &incident, photo(5)).await?;
    let clear = scene.content(&resident(), "own_matter", &id, "content").await?.body;
    let stored = scene.stored()?;
    assert_eq!(stored.len(), 2, "the file and its thumbnail");
    for object in &stored {
        assert!(!object.windows(3).any(|window| window == [0xff, 0xd8, 0xff]), "no picture begins in it");
        assert!(!object.windows(32).any(|window| clear.windows(32).next() == Some(window)));
    }
    // A content under another's row does not open.
    let other = scene.uploaded(&resident(), &incident, photo(6)).await?;
    scene.run("UPDATE attachments SET content_type = 'image/png'").await?;
    let swap = format!(
        "UPDATE attachments SET content_key = (SELECT content_key FROM attachments WHERE id <> x'{0}')
        WHERE id = x'{0}'",
        other.replace('-', "")
    );
    assert_eq!(scene.run(&swap).await?, 1);
    assert_eq!(
        scene.content(&resident(), "own_matter", &other, "content").await?.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_plain_file_is_not_taken() -> Result<()> {
    let settings = AttachmentSettings { image_bytes: 200_000, pixels: 1_000_000, ..AttachmentSettings::default() };
    let scene = Scene::sqlite(settings).await?;
    let incident = scene.report(&resident()).await?;
    let eicar = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    let noise: Vec<u8> =
        photo(7).into_iter().chain((0..300_000u32).map(|n| u8::try_from(n % 251).unwrap_or_default())).collect();
    let cases: Vec<(&str, Vec<u8>, StatusCode)> = vec![
        (
            "svg",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("html", b"<!doctype html><script>alert(1)</script>".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("eicar", eicar.into_bytes(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00 and so on".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("script in a jpeg", b"\xff\xd8\xff/*GIF89a*/=1;alert(1)".to_vec(), StatusCode::BAD_REQUEST),
        ("active pdf", b"%PDF-1.7 << /S /JavaScript /JS (app.alert(1)) >> %%EOF".to_vec(), StatusCode::BAD_REQUEST),
        ("too long", noise, StatusCode::PAYLOAD_TOO_LARGE),
        ("nothing", Vec::new(), StatusCode::BAD_REQUEST),
    ];
    for (what, file, status) in cases {
        let answer = scene.upload(&resident(), &incident, "photo.jpg", file).await?;
        assert_eq!(answer.status, status, "{what}: {}", String::from_utf8_lossy(&answer.body));
    }
    for parent in ["accounts/01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11", "incidents/x", "incidents/..%2f.."] {
        let answer = scene.http(&resident(), Request::post(format!("/v1/{parent}/attachments")), photo(8)).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{parent}");
    }
    let unknown = scene.upload(&resident(), "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11", "a.jpg", photo(8)).await?;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!((scene.count("attachments").await?, scene.stored()?.len()), (0, 0), "nothing is left of them");

    let form = [
        b"--b\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b\r\n".as_slice(),
        b"content-disposition: form-data; name=\"file\"; filename=\"../../evil.svg\"\r\ncontent-type: image/svg+xml\r\n\r\n",
        &photo(9),
        b"\r\n--b--\r\n",
    ];
    let request = Request::post(format!("/v1/incidents/{incident}/attachments"))
        .header("content-type", "multipart/form-data; boundary=b");
    let answer = scene.http(&resident(), request, form.concat()).await?;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&answer.body));
    let id = answer.json()?["id"].as_str().context("an id")?.to_owned();
    let got = scene.content(&resident(), "own_matter", &id, "content").await?;
    assert_eq!(got.header("content-disposition"), "attachment; filename=\"evil.jpg\"; filename*=UTF-8''evil.jpg");
    Ok(())
}

#[tokio::test]
async fn a_record_holds_so_many() -> Result<()> {
    let settings = || AttachmentSettings { files_per_record: 3, ..AttachmentSettings::default() };
    for scene in [Scene::sqlite(settings()).await?, Scene::postgres(settings()).await?] {
        let incident = scene.report(&resident()).await?;
        let who = resident();
        let many = (0..6).map(|n| scene.upload(&who, &incident, "a.jpg", photo(n)));
        let statuses: Vec<_> = futures::future::try_join_all(many).await?.into_iter().map(|a| a.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::CREATED).count(), 3, "{statuses:?}");
        assert_eq!(scene.count("attachments WHERE state = 'stored'").await?, 3);
    }
    Ok(())
}

/// What a program that was killed leaves behind: a row without its content, a content without its row, half a file.
#[tokio::test]
async fn nothing_stays_half_done() -> Result<()> {
    for scene in
        [Scene::sqlite(AttachmentSettings::default()).await?, Scene::postgres(AttachmentSettings::default()).await?]
    {
        let incident = scene.report(&resident()).await?;
        let whole = scene.uploaded(&resident(), &incident, photo(1)).await?;
        let begun = scene.uploaded(&resident(), &incident, photo(2)).await?;
        scene.uploaded(&resident(), &incident, photo(3)).await?;
        assert_eq!(scene.stored()?.len(), 6);
        let second = "(SELECT id FROM attachments ORDER BY id LIMIT 1 OFFSET 1)";
        scene.run(&format!("UPDATE attachments SET state = 'pending' WHERE id = {second}")).await?;
        assert_eq!(scene.content(&resident(), "own_matter", &begun, "content").await?.status, StatusCode::NOT_FOUND);
        let third = "(SELECT id FROM attachments ORDER BY id DESC LIMIT 1)";
        scene.run(&format!("DELETE FROM attachments WHERE id = {third}")).await?;
        let half = std::fs::read_dir(scene.folder.path().join("attachments"))?.next().context("a folder")??.path();
        std::fs::write(half.join("01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11#1"), b"half")?;

        assert_eq!(scene.sweep().await?, (0, 0), "it may still be on its way");
        scene.clock.advance(TimeDelta::hours(2));
        assert_eq!(scene.sweep().await?, (1, 0));
        scene.clock.advance(TimeDelta::days(2));
        assert_eq!(scene.sweep().await?, (0, 2));
        assert_eq!((scene.count("attachments").await?, scene.stored()?.len()), (1, 2), "the whole one stays");
        let got = scene.content(&resident(), "own_matter", &whole, "content").await?;
        assert_eq!(got.status, StatusCode::OK, "{}", String::from_utf8_lossy(&got.body));
    }
    Ok(())
}
