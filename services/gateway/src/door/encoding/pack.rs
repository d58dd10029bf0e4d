//! Answers that go out compressed, where the caller can read that and it is worth it.

use std::{
    io::{self, Write},
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, Response, header};
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;

use super::Coding;

/// Shorter answers gain nothing.
const LEAST: u64 = 1_024;
/// What a page or a machine waits for is worth little work.
const GZIP_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 3;

/// Compresses an answer to a request that had `accepts` as its `Accept-Encoding`.
pub(in crate::door) fn pack(accepts: Option<&HeaderValue>, response: Response<Body>) -> Response<Body> {
    if !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let encoder = accepts.and_then(chosen).and_then(|coding| Some((coding, Encoder::new(coding).ok()?)));
    let Some((coding, encoder)) = encoder else { return Response::from_parts(parts, body) };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::ACCEPT_RANGES);
    Response::from_parts(parts, Body::new(Packed { body, encoder: Some(encoder) }))
}

/// Text that is long enough, or of unknown length. Server-sent events go out as they are: each is there at once.
fn is_worth_it(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let content = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let content = content.split(';').next().unwrap_or_default().trim();
    let text = match content {
        "text/event-stream" => false,
        "application/json"
        | "application/x-ndjson"
        | "application/javascript"
        | "application/yaml"
        | "image/svg+xml" => true,
        other => other.starts_with("text/") || other.ends_with("+json"),
    };
    let long = response.body().size_hint().exact().is_none_or(|bytes| bytes >= LEAST);
    text && long && !headers.contains_key(header::CONTENT_ENCODING) && !headers.contains_key(header::CONTENT_RANGE)
}

/// The best that `Accept-Encoding` (RFC 9110, 12.5.3) allows.
fn chosen(accepts: &HeaderValue) -> Option<Coding> {
    let mut weights = [(Coding::Zstd, None), (Coding::Gzip, None)];
    let mut any = None;
    for item in accepts.to_str().ok()?.split(',') {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok()).unwrap_or(1.0);
        if name == "*" {
            any = Some(weight);
        } else if let Some(coding) = Coding::of(&name) {
            weights.iter_mut().filter(|(c, _)| *c == coding).for_each(|(_, w)| *w = Some(weight));
        }
    }
    let allowed = weights.into_iter().filter_map(|(coding, weight)| Some((coding, weight.or(any)?)));
    // The first of equals stays: Zstandard costs less for the same gain.
    let best = allowed.filter(|(_, weight)| *weight > 0.0).reduce(|a, b| if b.1 > a.1 { b } else { a });
    best.map(|(coding, _)| coding)
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    /// All that can be read with these bytes: whoever waits for a line of a stream gets it now.
    fn more(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(plain)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(plain)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    fn end(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

pin_project! {
    struct Packed {
        #[pin]
        body: Body,
        // None once it has ended.
        encoder: Option<Encoder>,
    }
}

impl HttpBody for Packed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        loop {
            let Some(encoder) = this.encoder.as_mut() else { return Poll::Ready(None) };
            let packed = match std::task::ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => encoder.more(data.chunk()),
                    // A compressed answer of text has no trailers that anybody reads.
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => match this.encoder.take() {
                    Some(encoder) => encoder.end(),
                    None => return Poll::Ready(None),
                },
            };
            match packed {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes.into())))),
                Err(error) => return Poll::Ready(Some(Err(axum::Error::new(error)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::BodyExt as _;

    use super::*;

    fn varies(headers: &HeaderMap) -> bool {
        headers.get_all(header::VARY).iter().any(|v| v == "accept-encoding")
    }

    #[test]
    fn the_caller_chooses() {
        let chosen = |text| chosen(&HeaderValue::from_static(text)).map(Coding::name);
        assert_eq!(chosen("gzip, deflate, br, zstd"), Some("zstd"));
        assert_eq!(chosen("gzip, deflate, br"), Some("gzip"));
        assert_eq!(chosen("gzip;q=1.0, zstd;q=0.5"), Some("gzip"));
        assert_eq!(chosen("*"), Some("zstd"));
        assert_eq!(chosen("zstd;q=0, *;q=0.1"), Some("gzip"));
        assert_eq!(chosen("identity"), None);
        assert_eq!(chosen("gzip;q=0"), None);
        assert_eq!(chosen(""), None);
    }

    async fn packed(content: &'static str, bytes: usize) -> Result<(HeaderMap, Bytes), axum::Error> {
        let mut response = Response::new(Body::from("x".repeat(bytes)));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
        let packed = pack(Some(&HeaderValue::from_static("zstd, gzip")), response);
        Ok((packed.headers().clone(), packed.into_body().collect().await?.to_bytes()))
    }

    #[tokio::test]
    async fn long_text_goes_out_short_and_all_else_as_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let (headers, bytes) = packed("application/json; charset=utf-8", 10_000).await?;
        assert_eq!(headers[header::CONTENT_ENCODING], "zstd");
        assert!(varies(&headers) && bytes.len() < 200, "{}", bytes.len());
        assert_eq!(zstd::decode_all(&bytes[..])?, "x".repeat(10_000).into_bytes());
        for (content, bytes) in [
            ("application/json", 1_023),
            ("text/event-stream", 10_000),
            ("image/png", 10_000),
            ("application/grpc", 10_000),
        ] {
            let (headers, sent) = packed(content, bytes).await?;
            assert!(!headers.contains_key(header::CONTENT_ENCODING) && sent.len() == bytes, "{content}");
        }
        Ok(())
    }

    /// A follower of lines reads each as soon as it is there.
    #[test]
    fn each_piece_can_be_read_at_once() -> io::Result<()> {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let mut encoder = Encoder::new(coding)?;
            let first = encoder.more(b"{\"a\":1}\n")?;
            let mut plain = vec![0; 64];
            let read = match coding {
                Coding::Gzip => io::Read::read(&mut flate2::read::GzDecoder::new(&first[..]), &mut plain)?,
                Coding::Zstd => io::Read::read(&mut zstd::stream::read::Decoder::new(&first[..])?, &mut plain)?,
            };
            assert_eq!(&plain[..read], b"{\"a\":1}\n", "{coding:?}");
        }
        Ok(())
    }
}
