use anyhow::Result;
use chassis::{
    access::{
        PublicKeys, SigningKey,
        audit::{self, AuditFault, Checkpoint, CheckpointError, Entry, Head, Verified},
    },
    data::{Clock, Ids},
    sea_orm::DbErr,
};
use chrono::TimeDelta;

use crate::{TestDb, morning};

fn entry(n: usize) -> Entry {
    Entry {
        who: format!("worker-{n}"),
        on_behalf: (n.is_multiple_of(2)).then(|| "manager".to_owned()),
        purpose: "home_visit".to_owned(),
        method: "/linju.residents.v1.ResidentService/GetResident".to_owned(),
        subject: format!("resident-{n}"),
        fields: "phone,national_id".to_owned(),
        acting: (n.is_multiple_of(3)).then(|| "grid_worker".to_owned()),
        basis: None,
        request: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
    }
}

struct Log {
    test: TestDb,
    clock: Clock,
    ids: Ids,
}

impl Log {
    /// `n` sealed entries in each database.
    async fn both(n: usize) -> Result<Vec<Self>> {
        let mut logs = Vec::new();
        for test in TestDb::both().await? {
            let clock = Clock::fixed(morning());
            let log = Self { test, ids: Ids::seeded(clock.clone(), 1), clock };
            log.record(n).await?;
            assert_eq!(audit::seal_pending(&log.test.db).await?, n as u64);
            logs.push(log);
        }
        Ok(logs)
    }

    async fn record(&self, n: usize) -> Result<()> {
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.test
            .db
            .write::<_, DbErr, _>(move |tx| {
                for n in 1..=n {
                    audit::record(tx, &ids, &clock, entry(n));
                }
                Box::pin(async { Ok(()) })
            })
            .await?;
        Ok(())
    }

    async fn verify(&self) -> Result<Verified, AuditFault> {
        audit::verify(&self.test.db, &self.clock, None).await
    }

    async fn verify_since(&self, checkpoint: &Checkpoint) -> Result<Verified, AuditFault> {
        audit::verify(&self.test.db, &self.clock, Some(checkpoint)).await
    }

    /// As somebody who may do anything to the database.
    async fn tamper(&self, sql: &[&str]) -> Result<()> {
        let postgres = self.test.postgres.is_some();
        let unlock: &[&str] = if postgres {
            &["ALTER TABLE audit DISABLE TRIGGER USER", "ALTER TABLE audit_head DISABLE TRIGGER USER"]
        } else {
            &[
                "DROP TRIGGER IF EXISTS audit_no_delete",
                "DROP TRIGGER IF EXISTS audit_no_update",
                "DROP TRIGGER IF EXISTS audit_head_no_delete",
                "DROP TRIGGER IF EXISTS audit_head_forward",
            ]
        };
        for statement in unlock.iter().chain(sql) {
            self.test.run(statement).await?;
        }
        Ok(())
    }
}

fn checkpoint(head: Head) -> Result<(Checkpoint, PublicKeys)> {
    let folder = tempfile::tempdir()?;
    let key = SigningKey::new_to_file(&folder.path().join("key.pem"))?;
    let signed = Checkpoint::sign("residents", head, morning(), &key);
    Ok((Checkpoint::from_json(&signed.to_json(), "residents", &key.public())?, key.public()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_log_verifies_and_grows() -> Result<()> {
    for log in Log::both(1_203).await? {
        let first = log.verify().await?;
        assert_eq!(first.entries, 1_203);
        let (checkpoint, _) = checkpoint(first.head)?;
        log.clock.advance(TimeDelta::seconds(1));
        log.record(2).await?;
        assert_eq!(log.verify().await?, first, "what waits to be sealed is no fault yet");
        assert_eq!(audit::seal_pending(&log.test.db).await?, 2);
        assert_eq!(audit::seal_pending(&log.test.db).await?, 0);
        assert_eq!(log.verify_since(&checkpoint).await?.entries, 1_205);
    }
    for empty in Log::both(0).await? {
        assert_eq!(empty.verify().await?.entries, 0);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_at_once_make_one_chain() -> Result<()> {
    for log in Log::both(0).await? {
        log.record(700).await?;
        let sealers = (0..4).map(|_| audit::seal_pending(&log.test.db));
        let sealed: u64 = futures::future::try_join_all(sealers).await?.into_iter().sum();
        assert_eq!((sealed, log.verify().await?.entries), (700, 700));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_itself_can_change_nothing() -> Result<()> {
    for log in Log::both(3).await? {
        let before = log.verify().await?;
        log.record(1).await?;
        let mut refused = vec![
            "DELETE FROM audit WHERE seq = 2",
            "DELETE FROM audit WHERE seq IS NULL",
            "UPDATE audit SET who = 'x' WHERE seq = 2",
            "UPDATE audit SET subject = 'x' WHERE seq IS NULL",
            "UPDATE audit SET on_behalf = 'x' WHERE seq IS NULL",
            "UPDATE audit SET acting = 'x' WHERE seq IS NULL",
            "UPDATE audit SET basis = 'x' WHERE seq IS NULL",
            "UPDATE audit SET hash = NULL WHERE seq = 3",
            "UPDATE audit SET seq = 9 WHERE seq = 3",
            "DELETE FROM audit_head",
            "UPDATE audit_head SET seq = 1",
        ];
        if log.test.postgres.is_some() {
            refused.extend(["TRUNCATE audit", "TRUNCATE audit_head"]);
        }
        for sql in refused {
            let error = log.test.run(sql).await.expect_err(sql).to_string();
            assert!(error.contains("only ever added to"), "{sql}: {error}");
        }
        assert_eq!(log.verify().await?, before);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_entry_is_covered() -> Result<()> {
    let fields = ["who", "on_behalf", "purpose", "method", "subject", "fields", "request", "acting", "basis"];
    for log in Log::both(fields.len()).await? {
        log.tamper(&[]).await?;
        for field in fields {
            log.test.run(&format!("CREATE TABLE old AS SELECT {field} AS v FROM audit WHERE seq = 3")).await?;
            log.test.run(&format!("UPDATE audit SET {field} = 'forged' WHERE seq = 3")).await?;
            let fault = log.verify().await.expect_err("noticed");
            assert!(matches!(fault, AuditFault::Altered { seq: 3, .. }), "{field}: {fault}");
            log.test.run(&format!("UPDATE audit SET {field} = (SELECT v FROM old) WHERE seq = 3")).await?;
            log.test.run("DROP TABLE old").await?;
        }
        log.verify().await?;
        log.test.run("UPDATE audit SET at = '2026-11-22 08:00:00+00:00' WHERE seq = 3").await?;
        assert!(matches!(log.verify().await, Err(AuditFault::Altered { seq: 3, .. })));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_shows_where() -> Result<()> {
    type Fits = fn(&AuditFault) -> bool;
    let copy_of_5 = "INSERT INTO audit (id, at, who, purpose, method, subject, fields, request, seq, prev, hash)
        SELECT X'00', at, who, purpose, method, subject, fields, request, $seq, prev, hash FROM audit WHERE seq = 5";
    let put_in = |seq: &str| copy_of_5.replace("$seq", seq);
    let (beyond, below) = (put_in("9"), put_in("0"));
    let cases: [(&str, Vec<&str>, Fits); 9] = [
        ("removed", vec!["DELETE FROM audit WHERE seq = 3"], |f| matches!(f, AuditFault::Missing { seq: 3 })),
        ("first removed", vec!["DELETE FROM audit WHERE seq = 1"], |f| matches!(f, AuditFault::Missing { seq: 1 })),
        ("end removed", vec!["DELETE FROM audit WHERE seq >= 5"], |f| matches!(f, AuditFault::Missing { seq: 5 })),
        ("all removed", vec!["DELETE FROM audit"], |f| matches!(f, AuditFault::Missing { seq: 1 })),
        (
            "put in another order",
            vec![
                "UPDATE audit SET seq = 99 WHERE seq = 2",
                "UPDATE audit SET seq = 2 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 99",
            ],
            |f| matches!(f, AuditFault::Unlinked { seq: 2, .. }),
        ),
        (
            "put in another order, links mended",
            vec![
                "CREATE TABLE links AS SELECT seq, prev, hash FROM audit WHERE seq IN (2, 3)",
                "UPDATE audit SET seq = 99 WHERE seq = 2",
                "UPDATE audit SET seq = 2, prev = (SELECT prev FROM links WHERE seq = 2),
                    hash = (SELECT hash FROM links WHERE seq = 2) WHERE seq = 3",
                "UPDATE audit SET seq = 3, prev = (SELECT prev FROM links WHERE seq = 3),
                    hash = (SELECT hash FROM links WHERE seq = 3) WHERE seq = 99",
            ],
            |f| matches!(f, AuditFault::Altered { seq: 2, .. }),
        ),
        ("put in beyond the end", vec![&beyond], |f| matches!(f, AuditFault::Inserted { seq: 9, .. })),
        ("put in before the start", vec![&below], |f| matches!(f, AuditFault::Inserted { seq: 0, .. })),
        ("unsealed", vec!["UPDATE audit SET seq = NULL WHERE seq = 6", "UPDATE audit_head SET seq = 5"], |f| {
            matches!(f, AuditFault::Head | AuditFault::Missing { .. })
        }),
    ];
    for (what, sql, fits) in cases {
        for log in Log::both(6).await? {
            let sql: Vec<String> = sql
                .iter()
                .map(|s| match log.test.postgres {
                    Some(_) => s.replace("X'00'", "gen_random_uuid()"),
                    None => s.replace("X'00'", "randomblob(16)"),
                })
                .collect();
            log.tamper(&sql.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            let fault = log.verify().await.expect_err(what);
            assert!(fits(&fault), "{what}: {fault}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_end_shows() -> Result<()> {
    for log in Log::both(4).await? {
        for sql in [
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 3)",
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 4), seq = 5",
            "DELETE FROM audit_head",
        ] {
            log.tamper(&[sql]).await?;
            let fault = log.verify().await.expect_err(sql);
            assert!(matches!(fault, AuditFault::Head | AuditFault::Missing { seq: 5 }), "{sql}: {fault}");
        }
    }
    Ok(())
}

/// What a chain alone cannot show: a shorter one that is right in itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_shows_a_restored_backup() -> Result<()> {
    for log in Log::both(6).await? {
        let (checkpoint, _) = checkpoint(log.verify().await?.head)?;
        log.tamper(&[
            "DELETE FROM audit WHERE seq > 4",
            "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)",
        ])
        .await?;
        assert_eq!(log.verify().await?.entries, 4, "without a checkpoint nothing shows");
        let fault = log.verify_since(&checkpoint).await.expect_err("noticed");
        assert!(matches!(fault, AuditFault::RolledBack { seq: 6, found: 4, .. }), "{fault}");

        // Going on from the backup does not hide it.
        log.clock.advance(TimeDelta::hours(1));
        log.record(5).await?;
        audit::seal_pending(&log.test.db).await?;
        assert_eq!(log.verify().await?.entries, 9);
        let fault = log.verify_since(&checkpoint).await.expect_err("noticed");
        assert!(matches!(fault, AuditFault::Rewritten { seq: 6, .. }), "{fault}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_shows_a_log_made_anew() -> Result<()> {
    for log in Log::both(6).await? {
        let (checkpoint, _) = checkpoint(log.verify().await?.head)?;
        let zeros = if log.test.postgres.is_some() { "decode(repeat('00', 32), 'hex')" } else { "zeroblob(32)" };
        log.tamper(&[
            "UPDATE audit SET seq = NULL, prev = NULL, hash = NULL",
            "UPDATE audit SET who = 'somebody-else' WHERE who = 'worker-2'",
            &format!("UPDATE audit_head SET seq = 0, hash = {zeros}"),
        ])
        .await?;
        assert_eq!(audit::seal_pending(&log.test.db).await?, 6);
        assert_eq!(log.verify().await?.entries, 6, "without a checkpoint nothing shows");
        let fault = log.verify_since(&checkpoint).await.expect_err("noticed");
        assert!(matches!(fault, AuditFault::Rewritten { seq: 6, .. }), "{fault}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_that_stands_still_shows() -> Result<()> {
    for log in Log::both(1).await? {
        log.record(2).await?;
        log.clock.advance(TimeDelta::minutes(10));
        log.verify().await?;
        log.clock.advance(TimeDelta::seconds(1));
        let fault = log.verify().await.expect_err("noticed");
        assert!(matches!(fault, AuditFault::Unsealed { count: 2, oldest } if oldest == morning()), "{fault}");
        log.tamper(&["UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq IS NULL"]).await?;
        assert!(matches!(log.verify().await, Err(AuditFault::Altered { seq: 0, .. })));
    }
    Ok(())
}

#[test]
fn a_checkpoint_that_is_not_ours_is_refused() -> Result<()> {
    let head = Head { seq: 12, hash: [7; 32] };
    let (checkpoint, keys) = checkpoint(head)?;
    assert_eq!((checkpoint.head(), checkpoint.at()), (head, morning()));
    let json = checkpoint.to_json();
    let read = |json: &str, service: &str| Checkpoint::from_json(json, service, &keys).expect_err("refused");
    for changed in [
        json.replace("\"seq\":12", "\"seq\":11"),
        json.replace("0707", "0708"),
        json.replace("2026-11-23", "2026-11-24"),
        json.replace("residents", "incidents"),
    ] {
        assert_ne!(changed, json);
        assert_eq!(read(&changed, "residents"), CheckpointError::Forged);
    }
    assert_eq!(read(&json, "incidents"), CheckpointError::OfAnotherService("residents".to_owned()));
    let (_, other_keys) = self::checkpoint(head)?;
    assert_eq!(Checkpoint::from_json(&json, "residents", &other_keys), Err(CheckpointError::Forged));
    for no_json in ["", "{}", "null", &json[..20]] {
        assert!(matches!(read(no_json, "residents"), CheckpointError::Malformed(_)));
    }
    Ok(())
}
