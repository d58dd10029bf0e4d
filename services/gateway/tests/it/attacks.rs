//! Whoever means harm over HTTP/1.1 gets what reliability asks for: a refusal, soon, and nothing that others feel.

use std::{io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::ground::{Gateway, Line};

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Methods that nobody needs, hosts that are two, lengths that differ, lines that are none.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_no_client_sends_are_refused() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    for (what, request, wanted) in [
        ("trace", "TRACE / HTTP/1.1\r\nHost: door\r\n\r\n", 405),
        ("connect", "CONNECT door:80 HTTP/1.1\r\nHost: door\r\n\r\n", 405),
        ("put on nothing", "PUT /v1/nothing HTTP/1.1\r\nHost: door\r\nContent-Length: 0\r\n\r\n", 404),
        ("two hosts", "GET / HTTP/1.1\r\nHost: door\r\nHost: evil\r\n\r\n", 400),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: door/evil\r\n\r\n", 400),
        ("CR in a header", "GET / HTTP/1.1\r\nHost: door\r\nX-A: a\rb\r\n\r\n", 400),
        ("NUL in a header", "GET / HTTP/1.1\r\nHost: door\r\nX-A: a\0b\r\n\r\n", 400),
        ("a space before the colon", "GET / HTTP/1.1\r\nHost: door\r\nX-A : a\r\n\r\n", 400),
        ("a folded header", "GET / HTTP/1.1\r\nHost: door\r\nX-A: a\r\n b\r\n\r\n", 400),
        ("CRLF in the path", "GET /a%0d%0aSet-Cookie:%20x=1 HTTP/1.1\r\nHost: door\r\n\r\n", 400),
        ("dots in the path", "GET /v1/%2e%2e/auth/csrf HTTP/1.1\r\nHost: door\r\n\r\n", 400),
        ("two lengths", "POST / HTTP/1.1\r\nHost: door\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("an unknown coding", "POST / HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("a length that is none", "POST / HTTP/1.1\r\nHost: door\r\nContent-Length: +1\r\n\r\na", 400),
        (
            "a chunk size that is none",
            "POST /v1/x HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            400,
        ),
    ] {
        let answer = gateway.says(request).await?;
        assert_eq!(answer.status, wanted, "{what}: {answer:?}");
        assert_eq!(answer.header("set-cookie"), "", "{what}");
    }
    // Two lengths: the chunks count (RFC 9112, 6.3), and nothing that follows them on this line is read as a request.
    let two = "POST / HTTP/1.1\r\nHost: door\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /auth/csrf HTTP/1.1\r\nHost: door\r\n\r\n";
    let said = gateway.line(move |mut line| {
        line.say(two.as_bytes())?;
        line.ended()
    });
    let said = String::from_utf8(said.await?)?;
    assert_eq!((said.matches("HTTP/1.1 ").count(), said.contains("connection: close")), (1, true), "{said}");
    let many = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    assert_eq!(gateway.gets("/", &many).await?.status, 431);
    let long = format!("X-A: {}\r\n", "a".repeat(20_000));
    assert_eq!(gateway.gets("/", &long).await?.status, 431);
    let long = gateway.gets(&format!("/{}", "a".repeat(9_000)), "").await?;
    assert!([400, 414].contains(&long.status), "{long:?}");
    gateway.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_cut_at_its_limit() -> Result<()> {
    let gateway = Gateway::open(json!({ "request_bytes": 10_000, "body_s": 1 })).await?;
    let said = gateway.says(post("/v1/x", "Content-Length: 10001\r\n", b"")).await?;
    assert_eq!((said.status, said.reason()?.as_str()), (413, "BODY_TOO_LARGE"), "told before it is sent");
    let web = "POST /linju.gateway.v1.AccountService/GetMe HTTP/1.1\r\nHost: door\r\nContent-Type: application/grpc-web\r\nContent-Length: 10001\r\n\r\n";
    assert_eq!(gateway.says(web).await?.header("grpc-status"), "8");

    let chunks = gateway.line(|mut line| {
        line.say(&post("/v1/x", "Transfer-Encoding: chunked\r\n", b""))?;
        let chunk = [&b"400\r\n"[..], &[b' '; 1024], b"\r\n"].concat();
        // It goes on until it is cut.
        while !line.is_cut(&chunk) {
            if line.0.set_nonblocking(true).is_ok() {
                let mut byte = [0];
                let came = line.0.peek(&mut byte).is_ok();
                line.0.set_nonblocking(false)?;
                if came {
                    break;
                }
            }
        }
        line.answer()
    });
    assert_eq!(chunks.await?.status, 413);

    let short = gateway.says(post("/v1/x", "Content-Length: 100\r\n", b"{}")).await?;
    assert_eq!((short.status, short.reason()?.as_str()), (408, "BODY_TOO_SLOW"), "what was promised never came");
    assert_eq!(short.header("connection"), "close");
    gateway.close().await
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?)
}

/// A gigabyte of zeros is given up at the limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_does_not_go_off() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let zeros = vec![0; 64 << 20];
    let once = gzip(&zeros)?;
    let bombs = [("gzip", once.repeat(14)), ("zstd", zstd::encode_all(&zeros[..], 19)?.repeat(16))];
    drop(zeros);
    for (coding, bomb) in bombs {
        ensure!(bomb.len() < 1 << 20, "{coding}: the bomb itself is small: {}", bomb.len());
        for path in ["/v1/x", "/auth/sign-in", "/linju.gateway.v1.AccountService/GetMe"] {
            let headers = format!("Content-Encoding: {coding}\r\nContent-Length: {}\r\n", bomb.len());
            let answer = gateway.says(post(path, &headers, &bomb)).await?;
            assert_eq!((answer.status, answer.reason()?.as_str()), (413, "BODY_TOO_LARGE"), "{coding} at {path}");
        }
    }
    let unknown = gateway.says(post("/v1/x", "Content-Encoding: br\r\nContent-Length: 2\r\n", b"{}")).await?;
    assert_eq!((unknown.status, unknown.header("accept-encoding")), (415, "gzip, zstd"), "{unknown:?}");
    gateway.close().await
}

/// Headers that trickle, bodies that trickle, lines that say nothing: cut, each by its own clock, while others are answered.
#[tokio::test(flavor = "multi_thread")]
async fn slow_writers_are_cut() -> Result<()> {
    let gateway = Gateway::open(json!({ "head_s": 1, "body_s": 1, "idle_s": 2 })).await?;
    let trickle = gateway.line(|mut line| {
        line.say(b"GET / HTTP/1.1\r\nHost: door\r\n")?;
        while !line.is_cut(b"X-A: a\r\n") {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    });
    let silent = gateway.line(Line::ended);
    let half_preface = gateway.line(|mut line| {
        line.say(b"PRI")?;
        line.ended()
    });
    let body = gateway.line(|mut line| {
        line.say(&post("/v1/x", "Content-Length: 1000\r\n", b""))?;
        let mut bytes = 0;
        while bytes < 1_000 && !line.is_cut(b" ") {
            bytes += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        ensure!(bytes < 1_000, "a trickle of 10 bytes a second was read to its end");
        Ok(())
    });
    let idle = gateway.line(|mut line| {
        line.say(b"GET / HTTP/1.1\r\nHost: door\r\n\r\n")?;
        ensure!(line.answer()?.status == 404);
        line.ended()
    });
    let (trickle, silent, half, body, idle) = tokio::join!(trickle, silent, half_preface, body, idle);
    trickle?;
    body?;
    assert!(idle?.is_empty());
    silent?;
    half?;
    assert_eq!(gateway.gets("/", "").await?.status, 404, "others are answered");
    gateway.close().await
}

/// Whoever takes nothing of what it asked for is cut; whoever reads slowly but reads is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_is_cut() -> Result<()> {
    let gateway = Gateway::open(json!({ "stall_s": 1 })).await?;
    let greedy = gateway.line(|mut line| {
        // More than all buffers on the way hold.
        let asked = b"GET /openapi.json HTTP/1.1\r\nHost: door\r\n\r\n".repeat(400);
        line.say(&asked)?;
        let mut write = line.0.try_clone()?;
        // Nothing is read; the line ends.
        while write.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    });
    let others = async {
        for _ in 0..20 {
            ensure!(gateway.gets("/openapi.json", "").await?.status == 200);
        }
        Ok(())
    };
    let (greedy, others) = tokio::join!(greedy, others);
    greedy?;
    others?;
    gateway.close().await
}

/// So many lines from one address; whoever hangs up makes place.
#[tokio::test(flavor = "multi_thread")]
async fn lines_from_one_address_are_counted() -> Result<()> {
    let gateway = Gateway::open(json!({ "connections_per_address": 2 })).await?;
    let at = gateway.at;
    tokio::task::spawn_blocking(move || -> Result<()> {
        let open = || std::net::TcpStream::connect(at);
        let asks = |stream: &mut std::net::TcpStream| -> Result<usize> {
            // A third line may be cut while it is written to.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: door\r\n\r\n");
            let mut byte = [0];
            Ok(std::io::Read::read(stream, &mut byte).unwrap_or(0))
        };
        let (mut one, mut two) = (open()?, open()?);
        ensure!(asks(&mut one)? == 1 && asks(&mut two)? == 1);
        ensure!(asks(&mut open()?)? == 0, "a third line is answered");
        drop(one);
        // The door notices soon.
        while asks(&mut open()?)? == 0 {
            std::thread::yield_now();
        }
        Ok(())
    })
    .await??;
    gateway.close().await
}

/// What a caller says about itself changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_somebody_by_saying_so() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let lies = "X-User-Id: u-1\r\nX-User-Roles: operator\r\nX-Tenant-Id: 1\r\nLinju-Session: 01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11\r\n\
                Grpc-Metadata-Authorization: Bearer x\r\nX-Forwarded-User: admin\r\n";
    let body = format!(
        "POST /linju.gateway.v1.AccountService/GetMe HTTP/1.1\r\nHost: door\r\n{lies}Content-Type: application/grpc-web\r\n\
         Content-Length: 5\r\n\r\n\0\0\0\0\0"
    );
    assert_eq!(gateway.says(body).await?.header("grpc-status"), "16");
    for wrong in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dTpw",
        "bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer a\r\nAuthorization: Bearer b",
    ] {
        let answer = gateway.gets("/v1/me", &format!("Authorization: {wrong}\r\n")).await?;
        assert!(answer.status == 401, "{wrong:?}: {answer:?}");
    }
    gateway.close().await
}
