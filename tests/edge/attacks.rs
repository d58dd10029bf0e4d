//! What an attack at the door costs the program.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use anyhow::{Result, ensure};

use crate::ground::{House, Install};

/// What an attack may cost, in bytes.
const COST: u64 = 20 << 20;

/// Sends a request on a line of its own; the first line of the answer.
fn says(at: SocketAddr, request: &[u8]) -> Result<String> {
    let mut line = TcpStream::connect(at)?;
    // The answer may come, and the line end, before all is sent.
    let _ = line.write_all(request);
    let mut said = Vec::new();
    let mut piece = [0; 1024];
    while !said.contains(&b'\n') {
        let read = line.read(&mut piece)?;
        ensure!(read > 0, "no answer");
        said.extend_from_slice(&piece[..read]);
    }
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned())
}

fn post(path: &str, content: &str, coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: door\r\nContent-Type: {content}\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A gigabyte of zeros in a megabyte costs the program less than 20 MB, in every language of the door.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_costs_little() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let at = house.residents.door()?;
    let once = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 64 << 20])?;
        encoder.finish()?
    };
    let bomb = once.repeat(14);
    ensure!(says(at, b"GET / HTTP/1.1\r\nHost: door\r\n\r\n")?.contains("404"));
    let before = house.residents.resident()?;
    for _ in 0..10 {
        let rest = says(at, &post("/v1/areas", "application/json", "gzip", &bomb))?;
        ensure!(rest.contains(" 413 "), "{rest}");
        let web = says(at, &post("/linju.residents.v1.AreaService/ListAreas", "application/grpc-web", "gzip", &bomb))?;
        ensure!(web.contains(" 200 "), "gRPC-Web says it in a header: {web}");
    }
    let more = house.residents.resident()?.saturating_sub(before);
    ensure!(more < COST, "{more} bytes more");
    house.close().await?;
    Ok(())
}
