//! Requests that come compressed.

use std::io::{self, Write};

use bytes::Bytes;
use http::{HeaderMap, header};

use super::Coding;
use crate::door::refusal::Refusal;

/// What a Zstandard frame may make us remember, as a power of two: 8 MiB, which RFC 8878 says everybody must have.
const WINDOW_LOG: u32 = 23;

/// The body in plain, and headers that say so. A bomb is given up as soon as it is larger than `most` bytes.
pub(in crate::door) fn unpack(headers: &mut HeaderMap, body: Bytes, most: usize) -> Result<Bytes, Refusal> {
    let mut said = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = said.next() else { return Ok(body) };
    let name = value.to_str().map_err(|_| Refusal::Encoding)?.trim().to_ascii_lowercase();
    if said.next().is_some() {
        return Err(Refusal::Encoding);
    }
    if name == "identity" || name.is_empty() {
        return Ok(body);
    }
    let coding = Coding::of(&name).ok_or(Refusal::Encoding)?;
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let mut plain = Capped { bytes: Vec::new(), most, burst: false };
    let read = match coding {
        Coding::Gzip => gunzip(&mut plain, &body),
        Coding::Zstd => unzstd(&mut plain, &body),
    };
    match read {
        _ if plain.burst => Err(Refusal::TooLarge(most)),
        Err(_) => Err(Refusal::BodyNot(coding.name())),
        Ok(()) => Ok(plain.bytes.into()),
    }
}

fn gunzip(plain: &mut Capped, body: &[u8]) -> io::Result<()> {
    let mut decoder = flate2::write::MultiGzDecoder::new(plain);
    decoder.write_all(body)?;
    decoder.try_finish()
}

fn unzstd(plain: &mut Capped, body: &[u8]) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::new(body)?;
    decoder.window_log_max(WINDOW_LOG)?;
    io::copy(&mut decoder, plain).map(|_| ())
}

/// Takes so many bytes and no more.
#[derive(Debug)]
struct Capped {
    bytes: Vec<u8>,
    most: usize,
    burst: bool,
}

impl Write for Capped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.most {
            self.burst = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain)?;
        encoder.finish()
    }

    fn read(coding: &'static str, body: Vec<u8>, most: usize) -> Result<Bytes, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        unpack(&mut headers, body.into(), most)
    }

    #[test]
    fn what_was_packed_is_read_and_a_bomb_is_not() -> io::Result<()> {
        let plain = b"{\"name\":\"x\"}".repeat(50);
        let zeros = vec![0; 50 << 20];
        for (coding, packed, bomb) in [
            ("gzip", gzip(&plain)?, gzip(&zeros)?),
            ("ZSTD", zstd::encode_all(&plain[..], 3)?, zstd::encode_all(&zeros[..], 3)?),
        ] {
            assert_eq!(read(coding, packed.clone(), 10_000), Ok(plain.clone().into()), "{coding}");
            assert_eq!(read(coding, bomb, 10_000), Err(Refusal::TooLarge(10_000)), "{coding}");
            let cut = packed[..packed.len() - 5].to_vec();
            assert!(matches!(read(coding, cut, 10_000), Err(Refusal::BodyNot(_))), "{coding}");
            assert!(matches!(read(coding, b"not packed at all".to_vec(), 10_000), Err(Refusal::BodyNot(_))));
        }
        for unknown in ["br", "deflate", "gzip, gzip", "x"] {
            assert_eq!(read(unknown, Vec::new(), 10), Err(Refusal::Encoding), "{unknown}");
        }
        assert_eq!(read("identity", b"ab".to_vec(), 10), Ok(Bytes::from_static(b"ab")));
        Ok(())
    }
}
