use test_servers::{Durability, Postgres, Stop};

use crate::wait_until;

#[test]
fn a_database_is_utf8_in_utc_and_gone_with_its_value() -> anyhow::Result<()> {
    let cluster = Postgres::shared()?;
    let database = cluster.create_database()?;
    assert_eq!(database.run("SHOW server_encoding")?, "UTF8");
    assert_eq!(database.run("SHOW timezone")?, "UTC");
    assert_eq!(database.run("SELECT datctype FROM pg_database WHERE datname = current_database()")?, "C.UTF-8");
    assert_eq!(database.run("SELECT length('登科街道')")?, "4");

    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", database.name());
    assert_eq!(cluster.run(&count)?, "1");
    drop(database);
    assert_eq!(cluster.run(&count)?, "0");
    Ok(())
}

#[test]
fn databases_do_not_see_each_other() -> anyhow::Result<()> {
    let cluster = Postgres::shared()?;
    let (one, other) = (cluster.create_database()?, cluster.create_database()?);
    one.run("CREATE TABLE only_here (n int)")?;
    assert!(other.run("SELECT * FROM only_here").is_err());
    Ok(())
}

#[test]
fn a_copy_has_what_its_template_had() -> anyhow::Result<()> {
    let cluster = Postgres::shared()?;
    let template = cluster.create_database()?;
    template.run("CREATE TABLE t AS SELECT 42 AS n")?;
    let copy = cluster.database_from(template.name())?;
    copy.run("UPDATE t SET n = 43")?;
    assert_eq!(template.run("SELECT n FROM t")?, "42");
    assert_eq!(copy.run("SELECT n FROM t")?, "43");
    Ok(())
}

#[test]
fn what_was_committed_outlives_stop_and_kill() -> anyhow::Result<()> {
    let mut server = Postgres::start(Durability::Durable)?;
    let database = server.create_database()?;
    database.run("CREATE TABLE t (n int)")?;

    for (round, how) in [Some(Stop::Smart), Some(Stop::Fast), Some(Stop::Immediate), None].into_iter().enumerate() {
        database.run(&format!("INSERT INTO t VALUES ({round})"))?;
        let pid = server.pid()?;
        match how {
            Some(how) => server.stop(how)?,
            None => server.kill9()?,
        }
        assert!(database.run("SELECT 1").is_err(), "down after {how:?}");
        assert!(server.pid().is_err());
        server.restart()?;
        assert_ne!(server.pid()?, pid);
        assert_eq!(database.run("SELECT count(*) FROM t")?, (round + 1).to_string());
    }
    assert_eq!(database.run("SHOW fsync")?, "on");
    Ok(())
}

#[test]
fn a_paused_server_answers_when_it_goes_on() -> anyhow::Result<()> {
    let server = Postgres::start(Durability::Fast)?;
    let process = format!("/proc/{}/stat", server.pid()?);
    let stopped = || std::fs::read_to_string(&process).is_ok_and(|stat| stat.contains(") T "));
    server.pause()?;
    wait_until("the server is stopped", stopped)?;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.run("SELECT 1"));
        assert!(!asked.is_finished());
        server.resume()?;
        let answer = asked.join().map_err(|_| anyhow::anyhow!("the asking thread panicked"))??;
        assert_eq!(answer, "1");
        anyhow::Ok(())
    })
}

#[test]
fn a_setting_that_postgres_refuses_is_shown() -> anyhow::Result<()> {
    let Err(error) = Postgres::start_with(Durability::Fast, &[("no_such_setting", "1")]) else {
        anyhow::bail!("Postgres started with a setting that does not exist")
    };
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    Ok(())
}
