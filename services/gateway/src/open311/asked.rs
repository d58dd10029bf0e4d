//! What a request asks for: by its path, its method, and its arguments.

use http::{HeaderMap, Method, header, request::Parts};

use super::{
    document::Format,
    params::{KEY, Params},
    problem::Problem,
};
use crate::transcode::{Piece, decode};

pub(super) const FOLDER: &str = "/open311";
pub(super) const ENDPOINT: &str = "/open311/v2";

/// One of the calls of `GeoReport` v2 and its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Discovery,
    Services,
    Service(String),
    Requests,
    Request(String),
    Submit,
    Token,
    Updates,
    AddUpdate,
}

/// A call with its arguments, and the form that its answer is to have.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(super) what: What,
    pub(super) format: Format,
    pub(super) params: Params,
    /// The endpoint as its caller reaches it; empty where nobody can tell.
    pub(super) base: String,
}

/// Whether a path is for Open311.
pub(crate) fn is_open311(path: &str) -> bool {
    path.strip_prefix(FOLDER).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The form in which whatever is wrong with a request for this path is told.
pub(super) fn format_of(path: &str) -> Format {
    path.rsplit_once('.').and_then(|(_, suffix)| Format::of_suffix(suffix)).unwrap_or_default()
}

impl Asked {
    /// Reads a request whose body has come whole.
    pub(super) fn read(parts: &Parts, body: &[u8], base: String) -> Result<Self, Problem> {
        let format = format_of(parts.uri.path());
        let what = route(parts.uri.path(), &parts.method)?;
        let form = if body.is_empty() { "" } else { form(&parts.headers, body)? };
        let params = Params::read(parts.uri.query().unwrap_or_default(), form)?;
        Ok(Self { what, format, params, base })
    }

    /// The method of the contract that it becomes, for limits; none where the gateway answers itself.
    pub(crate) fn method(&self) -> Option<&'static str> {
        match self.what {
            What::Discovery | What::Token => None,
            What::Services => Some("/linju.incidents.v1.PublicService/ListPublishedCategories"),
            What::Service(_) => Some("/linju.incidents.v1.PublicService/GetPublishedCategory"),
            What::Requests | What::Request(_) => Some("/linju.incidents.v1.PublicService/ListPublishedIncidents"),
            What::Submit => Some("/linju.incidents.v1.PublicService/SubmitReport"),
            What::Updates => Some("/linju.incidents.v1.PublicService/ListPublishedEntries"),
            What::AddUpdate => Some("/linju.incidents.v1.PublicService/AddPublicUpdate"),
        }
    }

    /// The key that came with it.
    pub(super) fn key(&self) -> Result<Option<&str>, Problem> {
        self.params.one(KEY)
    }

    /// Nobody does this without a key.
    pub(super) fn needs_key(&self) -> bool {
        matches!(self.what, What::Submit | What::AddUpdate)
    }
}

fn route(path: &str, method: &Method) -> Result<What, Problem> {
    let nothing = || Problem::not_found(format!("there is nothing here: {FOLDER}/discovery.xml says what there is"));
    let (path, suffix) = path.rsplit_once('.').ok_or_else(nothing)?;
    Format::of_suffix(suffix).ok_or_else(nothing)?;
    let path = path.strip_prefix(FOLDER).unwrap_or_default();
    let name = |segment: &str| decode(segment, Piece::Segment).map(String::from).ok_or_else(nothing);
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let what = match segments.as_slice() {
        ["discovery"] | ["v2", "discovery"] => What::Discovery,
        ["v2", "services"] => What::Services,
        ["v2", "services", code] if !code.is_empty() => What::Service(name(code)?),
        ["v2", "requests"] => What::Requests,
        ["v2", "requests", id] if !id.is_empty() => What::Request(name(id)?),
        ["v2", "tokens", _] => What::Token,
        ["v2", "servicerequestupdates"] => What::Updates,
        _ => return Err(nothing()),
    };
    match (what, method) {
        (What::Requests, &Method::POST) => Ok(What::Submit),
        (What::Updates, &Method::POST) => Ok(What::AddUpdate),
        (what, &Method::GET | &Method::HEAD) => Ok(what),
        _ => Err(Problem::method()),
    }
}

/// A form in UTF-8, which is all that `GeoReport` v2 sends.
fn form<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<&'b str, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_form = parts.next().is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let charset = parts.find_map(|part| part.strip_prefix("charset=").map(|set| set.trim_matches('"').to_owned()));
    if !is_form {
        return Err(Problem::bad(
            "the body must be application/x-www-form-urlencoded; send pictures as the address where they are, in media_url",
        ));
    }
    if charset.is_some_and(|charset| charset != "utf-8") {
        return Err(Problem::bad("the body must be in UTF-8"));
    }
    std::str::from_utf8(body).map_err(|_| Problem::bad("the body must be in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_is_asked_for() {
        let of = |path: &str| route(path, &Method::GET).ok();
        let text = |text: &str| text.to_owned();
        assert_eq!(of("/open311/discovery.json"), Some(What::Discovery));
        assert_eq!(of("/open311/v2/discovery.xml"), Some(What::Discovery));
        assert_eq!(of("/open311/v2/services.xml"), Some(What::Services));
        assert_eq!(of("/open311/v2/services/roads.street_light.xml"), Some(What::Service(text("roads.street_light"))));
        assert_eq!(of("/open311/v2/requests/20261122-7K3M9Q.json"), Some(What::Request(text("20261122-7K3M9Q"))));
        assert_eq!(of("/open311/v2/tokens/1.xml"), Some(What::Token));
        assert_eq!(route("/open311/v2/requests.xml", &Method::POST).ok(), Some(What::Submit));
        for wrong in [
            "/open311",
            "/open311/v2/services",
            "/open311/v2/services.yaml",
            "/open311/v3/services.xml",
            "/open311/v2/.xml",
            "/open311/v2/requests/.xml",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(route("/open311/v2/services.xml", &Method::POST), Err(Problem::method()));
        assert_eq!(route("/open311/v2/requests.xml", &Method::PUT), Err(Problem::method()));
        assert!(is_open311("/open311/v2/x") && !is_open311("/open3110/v2"));
    }
}
