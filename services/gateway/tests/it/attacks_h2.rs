//! Whoever means harm over HTTP/2: floods of frames that cost the sender nothing end with the sender's connection.

use std::io::{ErrorKind, Read as _};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::ground::{Gateway, Line};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status` as HPACK's table has it (RFC 7541, A); 431 is not in it.
const OK: u8 = 0x88;
const NOT_FOUND: u8 = 0x8d;
/// RFC 9113, 7.
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// One header, literal and not remembered (RFC 7541, 6.2.2); names and values are short.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap_or_default()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

fn asks() -> Vec<u8> {
    let headers = [(":method", "GET"), (":scheme", "http"), (":path", "/v1/x"), (":authority", "door")];
    headers.iter().flat_map(|(name, value)| header(name, value)).collect()
}

fn hello(line: &mut Line) -> Result<()> {
    line.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    line.say(&frame(SETTINGS, 0, 0, &[]))
}

/// The error code of the GOAWAY with which the door ends the line; none where it ends without.
fn goodbye(line: &mut Line) -> Result<Option<u32>> {
    loop {
        let Some((kind, _, _, payload)) = next(line)? else { return Ok(None) };
        if kind == GOAWAY {
            return Ok(payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes));
        }
    }
}

/// Kind, flags, stream and payload.
type Frame = (u8, u8, u32, Vec<u8>);

/// One frame; none at the end.
fn next(line: &mut Line) -> Result<Option<Frame>> {
    let mut head = [0; 9];
    match line.0.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
    if line.0.read_exact(&mut payload).is_err() {
        return Ok(None);
    }
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Ok(Some((head[3], head[4], stream, payload)))
}

/// Sends `flood` again and again until the line is cut, at most `most` times.
fn until_cut(line: &mut Line, most: usize, mut flood: impl FnMut(u32) -> Vec<u8>) -> bool {
    (0..most).any(|n| line.is_cut(&flood(u32::try_from(n).unwrap_or(u32::MAX))))
}

#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_the_connection() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let ended = gateway.line(|mut line| {
        hello(&mut line)?;
        let cut = until_cut(&mut line, 20_000, |n| {
            let stream = 2 * n + 1;
            let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &asks());
            [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        });
        Ok((cut, goodbye(&mut line)?))
    });
    let (cut, code) = ended.await?;
    ensure!(cut || code == Some(ENHANCE_YOUR_CALM), "20,000 resets went through: {code:?}");
    assert_eq!(gateway.gets("/", "").await?.status, 404, "others are answered");
    gateway.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_end_the_connection() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let cut = gateway.line(|mut line| {
        hello(&mut line)?;
        line.say(&frame(HEADERS, END_STREAM, 1, &asks()))?;
        let piece: Vec<u8> = (0..50).flat_map(|_| header("x-a", &"a".repeat(100))).collect();
        Ok(until_cut(&mut line, 20_000, |_| frame(CONTINUATION, 0, 1, &piece)))
    });
    assert!(cut.await?, "100 MB of headers were taken");
    gateway.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_want_answers_nobody_reads_end_the_connection() -> Result<()> {
    let gateway = Gateway::open(json!({ "stall_s": 1 })).await?;
    for kind in [PING, SETTINGS] {
        let cut = gateway.line(move |mut line| {
            hello(&mut line)?;
            let one = frame(kind, 0, 0, if kind == PING { &[0; 8] } else { &[] });
            let many = one.repeat(1_000);
            Ok(until_cut(&mut line, 20_000, |_| many.clone()))
        });
        assert!(cut.await?, "20 million frames of kind {kind} were taken");
    }
    gateway.close().await
}

/// So many streams at once; one more is refused, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_are_refused() -> Result<()> {
    let gateway = Gateway::open(json!({ "streams": 10, "body_s": 1 })).await?;
    let refused = gateway.line(|mut line| {
        hello(&mut line)?;
        for n in 0..40 {
            // No end: each waits for a body.
            line.say(&frame(HEADERS, END_HEADERS, 2 * n + 1, &asks()))?;
        }
        let (mut refused, mut answered) = (0, 0);
        while refused + answered < 40 {
            match next(&mut line)? {
                Some((RST_STREAM, _, _, code)) if code == REFUSED_STREAM.to_be_bytes() => refused += 1,
                Some((HEADERS, ..)) => answered += 1,
                Some(_) => {}
                None => break,
            }
        }
        Ok((refused, answered))
    });
    assert_eq!(refused.await?, (30, 10));
    gateway.close().await
}

/// A stream for whose answer there is never room ends its connection.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_ends_the_connection() -> Result<()> {
    let gateway = Gateway::open(json!({ "stall_s": 1 })).await?;
    let ended = gateway.line(|mut line| {
        line.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        // SETTINGS_INITIAL_WINDOW_SIZE is 0.
        line.say(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))?;
        line.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &asks()))?;
        goodbye(&mut line)
    });
    // It waits for the end of the line, whatever is said on it before.
    ended.await?;
    assert_eq!(gateway.gets("/", "").await?.status, 404, "others are answered");
    gateway.close().await
}

/// Headers that are too many are no request.
#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_the_limit_are_refused() -> Result<()> {
    let gateway = Gateway::open(json!({})).await?;
    let answered = gateway.line(|mut line| {
        hello(&mut line)?;
        let more: Vec<u8> = (0..150).flat_map(|_| header("x-a", &"a".repeat(100))).collect();
        let head = [asks(), more].concat();
        line.say(&frame(HEADERS, END_STREAM, 1, &head[..15_000]))?;
        line.say(&frame(CONTINUATION, END_HEADERS, 1, &head[15_000..]))?;
        loop {
            match next(&mut line)? {
                Some((HEADERS, _, 1, block)) => return Ok(!matches!(block.first(), Some(&(OK | NOT_FOUND)))),
                Some((RST_STREAM | GOAWAY, ..)) | None => return Ok(true),
                Some(_) => {}
            }
        }
    });
    assert!(answered.await?);
    gateway.close().await
}
