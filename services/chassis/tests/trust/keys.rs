use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use anyhow::Result;
use chassis::{
    data::{Clock, KeyError, KeyFileError, Keyring, MasterKey, Place, SealError, Sealed, Suite},
    sea_orm::Value,
};
use uuid::Uuid;

use crate::{TestDb, morning};

fn master(folder: &Path, name: &str) -> Result<Arc<MasterKey>> {
    Ok(Arc::new(MasterKey::new_to_file(&folder.join(name))?))
}

async fn ring(test: &TestDb, master: &Arc<MasterKey>) -> Result<Keyring, KeyError> {
    Keyring::load(&test.db, master.clone(), Suite::Aes256Gcm, &Clock::fixed(morning())).await
}

fn phone_of(row: u128) -> Place {
    Place { table: "resident", column: "phone", row: Uuid::from_u128(row) }
}

/// A sealed value as the database gives it back.
fn bytes(sealed: &Sealed) -> Vec<u8> {
    match Value::from(sealed.clone()) {
        Value::Bytes(Some(bytes)) => bytes,
        other => panic!("a sealed value is bytes, not {other:?}"),
    }
}

fn of_bytes(bytes: Vec<u8>) -> Sealed {
    chassis::sea_orm::sea_query::ValueType::unwrap(Value::from(bytes))
}

#[test]
fn the_master_key_file_is_made_private_and_read_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("master.key");
    MasterKey::new_to_file(&path)?;
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    MasterKey::from_file(&path)?;

    let again = MasterKey::new_to_file(&path).expect_err("a key is never written over");
    assert!(matches!(again, KeyFileError::Exists(_)), "{again}");
    Ok(())
}

#[test]
fn a_master_key_file_that_will_not_do_says_what_to_do() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("master.key");
    let message = |path: &Path| MasterKey::from_file(path).expect_err("refused").to_string();
    let says = |text: &str| {
        let message = message(&path);
        assert!(message.contains(text) && message.contains("master.key"), "{message}");
    };
    says("linju keys new");

    MasterKey::new_to_file(&path)?;
    for mode in [0o604, 0o644, 0o620, 0o602] {
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        says("chmod 600");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    for wrong in ["", "short", &"0".repeat(63), &"x".repeat(64), "c2hvcnQ=", &"0".repeat(66)] {
        fs::write(&path, wrong)?;
        says("32 random bytes as base64 or hex");
    }
    fs::write(&path, [0xff; 44])?;
    says("32 random bytes");
    for right in ["0f".repeat(32), "  ".to_owned() + &"Ab".repeat(32) + "\n"] {
        fs::write(&path, right)?;
        MasterKey::from_file(&path)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_opens_in_its_place_and_nowhere_else() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let keys = ring(&test, &master(folder.path(), "m")?).await?;
        for text in ["", "13912341550", "四川省巴中市恩阳区登科街道"] {
            let sealed = keys.seal(phone_of(1), text)?;
            assert_eq!(keys.open(phone_of(1), &sealed)?.expose(), text);
            assert_ne!(keys.seal(phone_of(1), text)?, sealed, "a new nonce each time");
            let elsewhere = [
                phone_of(2),
                Place { column: "id_number", ..phone_of(1) },
                Place { table: "volunteer", ..phone_of(1) },
                // The same letters, cut elsewhere.
                Place { table: "residentp", column: "hone", ..phone_of(1) },
            ];
            for place in elsewhere {
                assert_eq!(keys.open(place, &sealed).expect_err("refused"), SealError::Forged, "{place:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_changed_byte_is_noticed() -> Result<()> {
    let test = TestDb::sqlite().await?;
    let folder = tempfile::tempdir()?;
    let master = master(folder.path(), "m")?;
    for suite in [Suite::Aes256Gcm, Suite::Sm4Gcm] {
        let keys = Keyring::load(&test.db, master.clone(), suite, &Clock::fixed(morning())).await?;
        keys.rotate().await?;
        let right = bytes(&keys.seal(phone_of(1), "13912341550")?);
        assert_eq!(keys.open(phone_of(1), &of_bytes(right.clone()))?.expose(), "13912341550");
        for at in 0..right.len() {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            assert!(keys.open(phone_of(1), &of_bytes(wrong)).is_err(), "byte {at} of {suite:?}");
        }
        for length in 0..right.len() {
            assert!(keys.open(phone_of(1), &of_bytes(right[..length].to_vec())).is_err(), "cut to {length}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_clear_is_printed() -> Result<()> {
    let test = TestDb::sqlite().await?;
    let folder = tempfile::tempdir()?;
    let keys = ring(&test, &master(folder.path(), "m")?).await?;
    let sealed = keys.seal(phone_of(1), "13912341550")?;
    let opened = keys.open(phone_of(1), &sealed)?;
    let index = keys.index("resident.phone", "13912341550");
    let printed = format!("{sealed:?} {opened:?} {index:?} {keys:?}");
    assert_eq!(printed, "Sealed(45 bytes) SecretText(hidden) BlindIndex Keyring(key 1 seals)");
    assert!(!bytes(&sealed).windows(11).any(|w| w == b"13912341550"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_finds_equals_of_one_column_with_one_key() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let master = master(folder.path(), "m")?;
        let keys = ring(&test, &master).await?;
        let index = keys.index("resident.phone", "13912341550");
        assert_eq!(index, keys.index("resident.phone", "13912341550"));
        assert_ne!(index, keys.index("resident.phone", "13912341551"));
        assert_ne!(index, keys.index("volunteer.phone", "13912341550"));

        keys.rotate().await?;
        assert_eq!(index, keys.index("resident.phone", "13912341550"), "what is stored is still found");
        assert_eq!(index, ring(&test, &master).await?.index("resident.phone", "13912341550"), "also after a restart");

        let other = TestDb::sqlite().await?;
        assert_ne!(index, ring(&other, &master).await?.index("resident.phone", "13912341550"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_master_key_changes_nothing() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let right = master(folder.path(), "right")?;
        let sealed = ring(&test, &right).await?.seal(phone_of(1), "13912341550")?;

        let refused = ring(&test, &master(folder.path(), "wrong")?).await.expect_err("refused");
        assert!(matches!(refused, KeyError::WrongMaster { .. }));
        assert!(refused.to_string().starts_with("the master key does not open this database's keys: "), "{refused}");

        let keys = ring(&test, &right).await?;
        assert_eq!((keys.current(), keys.open(phone_of(1), &sealed)?.expose()), (1, "13912341550"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_seals_with_the_new_key_and_opens_the_old() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let master = master(folder.path(), "m")?;
        let keys = ring(&test, &master).await?;
        let copy = ring(&test, &master).await?;
        let old = keys.seal(phone_of(1), "old")?;
        let current = keys.rotate().await?;
        let new = keys.seal(phone_of(2), "new")?;
        assert_eq!((old.key_id(), new.key_id()), (Some(1), Some(current)));
        assert_eq!(keys.open(phone_of(1), &old)?.expose(), "old");

        // Another copy of the service does not know the key yet, and then does.
        assert_eq!(copy.open(phone_of(2), &new).expect_err("not known"), SealError::UnknownKey(current));
        copy.refresh().await?;
        assert_eq!(copy.open(phone_of(2), &new)?.expose(), "new");
        assert_eq!(copy.seal(phone_of(3), "")?.key_id(), Some(current));

        // The next key may be of the other suite.
        let sm4 = Keyring::load(&test.db, master, Suite::Sm4Gcm, &Clock::fixed(morning())).await?;
        sm4.rotate().await?;
        let sealed = sm4.seal(phone_of(4), "国密")?;
        keys.refresh().await?;
        assert_eq!(keys.open(phone_of(4), &sealed)?.expose(), "国密");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_key_opens_everything_and_the_old_nothing() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let (old, new) = (master(folder.path(), "old")?, master(folder.path(), "new")?);
        let keys = ring(&test, &old).await?;
        let first = keys.seal(phone_of(1), "first")?;
        keys.rotate().await?;
        let second = keys.seal(phone_of(2), "second")?;
        let index = keys.index("resident.phone", "first");

        keys.rewrap(new.clone()).await?;
        assert_eq!(keys.rotate().await?, 4, "the ring goes on with the new master key");
        assert!(matches!(ring(&test, &old).await, Err(KeyError::WrongMaster { .. })));
        let keys = ring(&test, &new).await?;
        assert_eq!(keys.open(phone_of(1), &first)?.expose(), "first");
        assert_eq!(keys.open(phone_of(2), &second)?.expose(), "second");
        assert_eq!(keys.index("resident.phone", "first"), index);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_start_at_once_share_one_key() -> Result<()> {
    for test in TestDb::both().await? {
        let folder = tempfile::tempdir()?;
        let master = master(folder.path(), "m")?;
        let starts = (0..6).map(|_| ring(&test, &master));
        let rings = futures::future::try_join_all(starts).await?;
        let sealed = rings[0].seal(phone_of(1), "x")?;
        for ring in &rings {
            assert_eq!(ring.open(phone_of(1), &sealed)?.expose(), "x");
        }
    }
    Ok(())
}
