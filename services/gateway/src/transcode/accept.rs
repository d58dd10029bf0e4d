//! Which form of answer a caller takes.

use http::{HeaderMap, header};

use super::refused::Refused;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    /// A JSON message on each line.
    Lines,
    /// Server-sent events.
    Events,
}

impl Form {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }
}

/// The form that the caller likes best of those there are; of equals the first.
pub(crate) fn choose(headers: &HeaderMap, streams: bool) -> Result<Form, Refused> {
    let offers: &[Form] = if streams { &[Form::Lines, Form::Events] } else { &[Form::Json] };
    if !headers.contains_key(header::ACCEPT) {
        return Ok(offers[0]);
    }
    let mut best: Option<(u16, Form)> = None;
    for offer in offers {
        let quality = quality(headers, offer.content_type());
        if quality > 0 && best.is_none_or(|(before, _)| quality > before) {
            best = Some((quality, *offer));
        }
    }
    let offers = if streams { "application/x-ndjson or text/event-stream" } else { "application/json" };
    best.map(|(_, form)| form).ok_or(Refused::NotAcceptable { offers })
}

/// How much a caller likes a type, in thousandths (RFC 9110, section 12.5.1): what names it most exactly counts.
fn quality(headers: &HeaderMap, offer: &str) -> u16 {
    let group = offer.split_once('/').map_or(offer, |(group, _)| group);
    let mut found = (0_u8, 0_u16);
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let exactness = match name.split_once('/') {
            Some(_) if name.eq_ignore_ascii_case(offer) => 3,
            Some((wanted, "*")) if wanted.eq_ignore_ascii_case(group) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        if exactness > found.0 {
            found = (exactness, quality);
        }
    }
    found.1
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
fn thousandths(text: &str) -> u16 {
    (text.parse::<f64>().unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16
}

/// Whether a body is JSON that can be read as it is.
pub(crate) fn check_content(headers: &HeaderMap) -> Result<(), Refused> {
    let wrong = |given: &str| Err(Refused::WrongContent { given: given.to_owned() });
    if let Some(coding) = headers.get(header::CONTENT_ENCODING).filter(|coding| !coding.is_empty()) {
        let coding = coding.to_str().unwrap_or("encoded");
        if !coding.eq_ignore_ascii_case("identity") {
            return wrong(coding);
        }
    }
    let Some(given) = headers.get(header::CONTENT_TYPE) else { return wrong("of no type") };
    let given = given.to_str().unwrap_or("of a type that is no text");
    let mut parts = given.split(';').map(str::trim);
    let json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if json && utf8 { Ok(()) } else { wrong(given) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepting(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))])
    }

    #[test]
    fn the_best_liked_form_is_taken() {
        let cases = [
            ("application/json", false, Some(Form::Json)),
            ("text/html, */*;q=0.1", false, Some(Form::Json)),
            ("application/*", false, Some(Form::Json)),
            ("text/html", false, None),
            ("application/json;q=0, */*", false, None),
            ("", false, None),
            ("*/*", true, Some(Form::Lines)),
            ("text/event-stream", true, Some(Form::Events)),
            ("Text/Event-Stream, application/x-ndjson; q=0.5", true, Some(Form::Events)),
            ("application/x-ndjson, text/event-stream", true, Some(Form::Lines)),
            ("application/json", true, None),
        ];
        for (accept, streams, want) in cases {
            assert_eq!(choose(&accepting(accept), streams).ok(), want, "{accept}");
        }
        assert_eq!(choose(&HeaderMap::new(), true).ok(), Some(Form::Lines));
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        let cases = [
            ("application/json", true),
            ("Application/JSON; charset=\"UTF-8\"", true),
            ("application/json; charset=gbk", false),
            ("text/json", false),
            ("multipart/form-data; boundary=x", false),
        ];
        for (given, good) in cases {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(given))]);
            assert_eq!(check_content(&headers).is_ok(), good, "{given}");
        }
        assert!(check_content(&HeaderMap::new()).is_err());
    }
}
