use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use test_servers::S3;

fn ask(server: &S3) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.endpoint().trim_start_matches("http://"))?;
    write!(stream, "GET /bucket HTTP/1.0\r\nHost: x\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn it_serves_whoever_has_the_keys_and_comes_back() -> anyhow::Result<()> {
    let mut server = match S3::start() {
        Err(error) if error.to_string().contains("not installed") => {
            test_servers::skipped(&error.to_string());
            return Ok(());
        }
        started => started?,
    };
    assert!(ask(&server)?.contains("AccessDenied"));
    server.kill9()?;
    assert!(ask(&server).is_err());
    assert!(server.pause().is_err());
    server.restart()?;
    assert!(ask(&server)?.contains("AccessDenied"));
    Ok(())
}
