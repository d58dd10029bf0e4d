//! Requests that no honest client sends are refused before anything looks at them twice.

use http::{Method, Version, header, request::Parts};

use super::refusal::Refusal;

/// Bytes of path and query.
const LONGEST: usize = 8 * 1024;

/// Checks method, host and path.
pub(super) fn check(parts: &Parts) -> Result<(), Refusal> {
    if parts.method == Method::TRACE || parts.method == Method::CONNECT {
        return Err(Refusal::Method);
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    let named = host.is_some() || parts.uri.authority().is_some() || parts.version == Version::HTTP_10;
    if !named || hosts.next().is_some() || host.is_some_and(|host| !is_host(host.as_bytes())) {
        return Err(Refusal::Host);
    }
    let path = parts.uri.path();
    if path.len() + parts.uri.query().map_or(0, str::len) > LONGEST || !is_plain(path) {
        return Err(Refusal::Path);
    }
    Ok(())
}

/// A name or address and perhaps a port: nothing that could be read as a part of a URL.
fn is_host(host: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.iter().all(plain)
}

/// No part is empty (but the last), `.` or `..`, and none holds a control character or a backslash, however they are written.
fn is_plain(path: &str) -> bool {
    let Some(parts) = path.strip_prefix('/') else { return path == "*" };
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let hex = [bytes.next(), bytes.next()].map(|d| d.and_then(|d| char::from(d).to_digit(16)));
                let [Some(high), Some(low)] = hex else { return false };
                high * 16 + low
            }
            plain => u32::from(plain),
        };
        if byte < 0x20 || byte == 0x7f || byte == u32::from(b'\\') {
            return false;
        }
    }
    let last = parts.split('/').count() - 1;
    parts.split('/').enumerate().all(|(n, part)| {
        let dots = part.replace("%2e", ".").replace("%2E", ".");
        (!part.is_empty() || n == last) && dots != "." && dots != ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain() {
        for fine in ["/", "/v1/residents/1:merge", "/v1/a%20b/", "/v1/%E5%BC%A0", "/v1/a...b", "/linju.x.v1.Y/Z"] {
            assert!(is_plain(fine), "{fine}");
        }
        for wrong in [
            "",
            "v1",
            "//",
            "/v1//x",
            "/v1/../x",
            "/v1/%2e%2E/x",
            "/./x",
            "/a%00b",
            "/a%0d%0aSet-Cookie:x",
            "/a%5cb",
            "/a%2",
        ] {
            assert!(!is_plain(wrong), "{wrong}");
        }
    }

    #[test]
    fn hosts_are_names() {
        assert!(is_host(b"linju.example.org:7880") && is_host(b"[::1]:80"));
        for wrong in [&b""[..], b"a b", b"a@b", b"a/b", b"a\r\nb", "邻聚".as_bytes(), &[b'a'; 256]] {
            assert!(!is_host(wrong), "{wrong:?}");
        }
    }
}
