//! gRPC-Web, binary and text: gRPC for browsers, whose trailers stand in the body
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>).

use std::{
    fmt::Write as _,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use tonic::Status;

use super::refusal::Refusal;

/// The flag of a frame that holds trailers.
const TRAILERS: u8 = 0x80;

/// How a gRPC-Web caller writes, and how it wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Web {
    asks_in_text: bool,
    answer_in_text: bool,
}

impl Web {
    /// Reads it off the content type, and off `Accept` for the answer.
    pub(super) fn of(content: &str, headers: &HeaderMap) -> Option<Self> {
        let kind = content.strip_prefix("application/grpc-web")?;
        let asks_in_text = kind == "-text" || kind.starts_with("-text+");
        if !asks_in_text && !kind.is_empty() && !kind.starts_with('+') {
            return None;
        }
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let answer_in_text =
            match (accept.contains("application/grpc-web-text"), accept.contains("application/grpc-web")) {
                (true, _) => true,
                (false, true) => false,
                (false, false) => asks_in_text,
            };
        Some(Self { asks_in_text, answer_in_text })
    }

    /// The request's body as gRPC has it: whole frames, none compressed. A service would call others its own fault.
    pub(super) fn read(self, body: Bytes) -> Result<Bytes, Refusal> {
        let body = self.decoded(body)?;
        if is_framed(&body) { Ok(body) } else { Err(Refusal::BodyNot("gRPC frames")) }
    }

    fn decoded(self, body: Bytes) -> Result<Bytes, Refusal> {
        if !self.asks_in_text {
            return Ok(body);
        }
        // Each piece may have been encoded by itself, so padding may stand anywhere.
        let mut plain = Vec::with_capacity(body.len() / 4 * 3);
        let compact: Vec<u8> = body.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        for piece in compact.chunks(4) {
            let piece = BASE64_STANDARD.decode(piece).map_err(|_| Refusal::BodyNot("base64"))?;
            plain.extend_from_slice(&piece);
        }
        Ok(plain.into())
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(if self.answer_in_text {
            "application/grpc-web-text+proto"
        } else {
            "application/grpc-web+proto"
        })
    }

    /// A gRPC answer as gRPC-Web has it. One that ends with its headers stays as it is: the status stands there.
    pub(super) fn answer(self, response: Response<tonic::body::Body>) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(header::CONTENT_TYPE, self.content_type());
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::TRAILER);
        if body.is_end_stream() {
            return Response::from_parts(parts, Body::empty());
        }
        Response::from_parts(parts, Body::new(Framed { body, text: self.answer_in_text, ended: false }))
    }

    /// A refusal: headers and no body.
    pub(super) fn refuse(self, status: Status) -> Response<Body> {
        self.answer(status.into_http())
    }
}

pin_project! {
    /// An answer whose trailers are its last frame.
    struct Framed {
        body: tonic::body::Body,
        text: bool,
        ended: bool,
    }
}

impl HttpBody for Framed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut *this.body).poll_frame(cx);
        let bytes = match std::task::ready!(polled) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    *this.ended = true;
                    trailers(&frame.into_trailers().unwrap_or_default())
                }
            },
            // The caller would wait for trailers that never come.
            Some(Err(status)) => {
                *this.ended = true;
                trailers_of(&status)
            }
            None => {
                *this.ended = true;
                trailers_of(&Status::unavailable("the service broke off its answer"))
            }
        };
        let bytes = if *this.text { Bytes::from(BASE64_STANDARD.encode(&bytes)) } else { bytes };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

/// Frames of a flag that is 0, a length in four bytes, and so many bytes; one at least.
fn is_framed(mut rest: &[u8]) -> bool {
    let some = !rest.is_empty();
    while let [0, a, b, c, d, more @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        let Some(next) = more.get(length..) else { return false };
        rest = next;
    }
    some && rest.is_empty()
}

fn trailers_of(status: &Status) -> Bytes {
    let mut headers = HeaderMap::new();
    // Fails only where a message cannot be a header, and tonic encodes it.
    let _ = status.add_header(&mut headers);
    trailers(&headers)
}

/// `name:value` lines as one frame.
fn trailers(headers: &HeaderMap) -> Bytes {
    let mut lines = String::new();
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            // Writing to a String does not fail.
            let _ = write!(lines, "{name}:{value}\r\n");
        }
    }
    let mut frame = BytesMut::with_capacity(5 + lines.len());
    frame.put_u8(TRAILERS);
    frame.put_u32(u32::try_from(lines.len()).unwrap_or_default());
    frame.put_slice(lines.as_bytes());
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn web(content: &str, accept: Option<&'static str>) -> Option<(bool, bool)> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        Web::of(content, &headers).map(|web| (web.asks_in_text, web.answer_in_text))
    }

    #[test]
    fn the_kind_stands_in_content_type_and_accept() {
        assert_eq!(web("application/grpc-web", None), Some((false, false)));
        assert_eq!(web("application/grpc-web+proto", Some("application/grpc-web-text")), Some((false, true)));
        assert_eq!(web("application/grpc-web-text", None), Some((true, true)));
        assert_eq!(web("application/grpc-web-text+proto", Some("application/grpc-web+proto")), Some((true, false)));
        assert_eq!(web("application/grpc", None), None);
        assert_eq!(web("application/grpc-webx", None), None);
    }

    #[test]
    fn text_may_be_padded_anywhere() {
        let web = Web { asks_in_text: true, answer_in_text: true };
        let text = format!("{}{}\r\n{}", BASE64_STANDARD.encode("a"), BASE64_STANDARD.encode("bc"), "ZGVm");
        assert_eq!(web.decoded(text.into()), Ok(Bytes::from("abcdef")));
        for wrong in ["a", "ab", "a===", "####", "YWJj=", "Zg=a"] {
            assert_eq!(web.decoded(wrong.into()), Err(Refusal::BodyNot("base64")), "{wrong}");
        }
    }

    #[test]
    fn a_body_is_whole_frames() {
        for (body, framed) in [
            (&b"\0\0\0\0\0"[..], true),
            (b"\0\0\0\0\x02ab\0\0\0\0\x01c", true),
            (b"", false),
            (b"\0\0\0\0", false),
            (b"\0\0\0\0\x02a", false),
            (b"\x01\0\0\0\0", false),
            (b"\0\xff\xff\xff\xff", false),
        ] {
            assert_eq!(is_framed(body), framed, "{body:?}");
        }
    }

    #[tokio::test]
    async fn trailers_are_the_last_frame() -> Result<(), axum::Error> {
        let mut end = HeaderMap::new();
        end.insert("grpc-status", HeaderValue::from(0));
        let frames = [Ok::<_, Status>(Frame::data(Bytes::from_static(b"\0\0\0\0\x01x"))), Ok(Frame::trailers(end))];
        for (text, wanted) in [(false, b"\0\0\0\0\x01x\x80\0\0\0\x0fgrpc-status:0\r\n".to_vec()), (true, Vec::new())] {
            let frames: Vec<_> = frames
                .iter()
                .map(|f| {
                    f.as_ref()
                        .map(|f| match f.trailers_ref() {
                            Some(trailers) => Frame::trailers(trailers.clone()),
                            None => Frame::data(f.data_ref().cloned().unwrap_or_default()),
                        })
                        .map_err(Clone::clone)
                })
                .collect();
            let body = tonic::body::Body::new(StreamBody::new(futures::stream::iter(frames)));
            let web = Web { asks_in_text: text, answer_in_text: text };
            let response = web.answer(Response::new(body));
            assert_eq!(response.headers()[header::CONTENT_TYPE], web.content_type());
            let sent = response.into_body().collect().await?.to_bytes();
            if text {
                assert_eq!(web.decoded(sent), Ok(Bytes::from_static(b"\0\0\0\0\x01x\x80\0\0\0\x0fgrpc-status:0\r\n")));
            } else {
                assert_eq!(sent, wanted);
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_refusal_has_headers_and_no_body() -> Result<(), axum::Error> {
        let web = Web { asks_in_text: false, answer_in_text: false };
        let response = web.refuse(Status::unauthenticated("sign in"));
        assert_eq!(response.headers()["grpc-status"], "16");
        assert!(response.into_body().collect().await?.to_bytes().is_empty());
        Ok(())
    }
}
