//! Requests: reports that may be shown, and the report that somebody sends.

use linju_proto::incidents::v1::{
    IncidentState, ListPublishedIncidentsRequest, ListPublishedIncidentsResponse, PublishedEntry, PublishedIncident,
    Reporter, SubmitReportRequest, SubmittedReport,
};
use uuid::Uuid;

use super::{
    document::{Document, Value},
    line::Client,
    params::Params,
    problem::Problem,
    settings::Open311Settings,
    times,
};

/// Most requests in one answer.
pub(super) const MOST: i32 = 1_000;
/// Reports asked for at once; with the longest texts they are still one message.
const AT_ONCE: i32 = 200;

/// Which part of a list is asked for: how many come before it, and how many it has.
pub(super) fn part(params: &Params) -> Result<(i32, i32), Problem> {
    let page = params.count("page")?.unwrap_or(1);
    let size = params.count("page_size")?.unwrap_or(MOST);
    if size > MOST {
        return Err(Problem::bad(format!("page_size is more than {MOST}: ask for further pages")));
    }
    let skip = page.checked_sub(1).and_then(|before| before.checked_mul(size)).filter(|skip| *skip <= 10_000_000);
    Ok((skip.ok_or_else(|| Problem::bad("page lies too far back: narrow the dates instead"))?, size))
}

/// What a list of requests asks the service for, and how many there may be.
pub(super) fn wanted(
    params: &Params,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(ListPublishedIncidentsRequest, i32), Problem> {
    let with_entries = extended(params)?;
    let numbers = params.list("service_request_id")?;
    if !numbers.is_empty() {
        if numbers.len() > 1_000 {
            return Err(Problem::bad("service_request_id names more than 1000: ask for fewer at once"));
        }
        let request = ListPublishedIncidentsRequest { numbers, with_entries, ..Default::default() };
        return Ok((request, MOST));
    }
    let (from, until) = times::window(params, now)?;
    let (skip, size) = part(params)?;
    let request = ListPublishedIncidentsRequest {
        categories: params.list("service_code")?,
        open: status(params)?,
        from: Some(times::stamp(from)),
        until: Some(times::stamp(until)),
        with_entries,
        skip,
        ..Default::default()
    };
    Ok((request, size))
}

pub(super) fn extended(params: &Params) -> Result<bool, Problem> {
    match params.one("extensions")? {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Problem::bad("extensions must be true or false")),
    }
}

fn status(params: &Params) -> Result<Option<bool>, Problem> {
    let words = params.list("status")?;
    let (mut open, mut closed) = (false, false);
    for word in &words {
        match word.as_str() {
            "open" => open = true,
            "closed" => closed = true,
            _ => return Err(Problem::bad("status must be open, closed, or both with a comma")),
        }
    }
    Ok((open != closed).then_some(open))
}

/// Asks for reports until there are no more, or as many as are wanted.
pub(super) async fn list(
    client: &Client,
    mut request: ListPublishedIncidentsRequest,
    size: i32,
) -> Result<Vec<PublishedIncident>, Problem> {
    let mut all: Vec<PublishedIncident> = Vec::new();
    let mut left = size;
    while left > 0 {
        request.page_size = left.min(AT_ONCE);
        let ListPublishedIncidentsResponse { incidents, next_page_token } = client.list(request.clone()).await?;
        left -= i32::try_from(incidents.len()).unwrap_or(left);
        all.extend(incidents);
        if next_page_token.is_empty() {
            break;
        }
        request.page_token = next_page_token;
    }
    Ok(all)
}

/// The answer with these reports.
pub(super) fn document(incidents: Vec<PublishedIncident>, settings: &Open311Settings, extended: bool) -> Document {
    let requests = incidents.into_iter().map(|incident| request(incident, settings, extended)).collect();
    Document { root: "service_requests", value: Value::List("request", requests) }
}

fn request(incident: PublishedIncident, settings: &Open311Settings, extended: bool) -> Value {
    let language = settings.language;
    let state = incident.state();
    let PublishedIncident {
        number,
        state: _,
        open,
        words,
        category,
        category_name,
        area_code,
        address,
        latitude,
        longitude,
        description,
        media_urls,
        note,
        reported_at,
        updated_at,
        expected_at,
        closed_at,
        duplicate_of,
        next_look_on,
        entries,
    } = incident;
    let time = |at| times::written(at).map_or(Value::Null, Value::Text);
    let notes = if note.is_empty() { language.of(words) } else { note };
    let mut fields = vec![
        ("service_request_id", Value::text(number)),
        ("status", Value::text(if open { "open" } else { "closed" })),
        ("status_notes", Value::text(notes)),
        ("service_name", Value::text(language.of(category_name))),
        ("service_code", Value::text(category)),
        ("description", Value::text(description)),
        ("agency_responsible", Value::text(settings.agency.as_str())),
        ("service_notice", Value::Null),
        ("requested_datetime", time(reported_at)),
        // Of what is closed, the day on which it was.
        ("updated_datetime", time(closed_at.or(updated_at))),
        ("expected_datetime", time(expected_at)),
        ("address", Value::text(address)),
        ("address_id", Value::text(area_code)),
        ("zipcode", Value::Null),
        ("lat", Value::degrees(latitude)),
        ("long", Value::degrees(longitude)),
        ("media_url", media_urls.first().map_or(Value::Null, Value::text)),
    ];
    if extended {
        let attributes = vec![
            ("state", Value::text(state_word(state))),
            ("duplicate_of", Value::text(duplicate_of)),
            ("next_look_on", Value::text(next_look_on)),
            ("media_urls", Value::List("media_url", media_urls.into_iter().map(Value::text).collect())),
        ];
        fields.push(("extended_attributes", Value::Fields(attributes)));
        let notes = entries.into_iter().map(|entry| self::note(entry, settings)).collect();
        fields.push(("notes", Value::List("note", notes)));
    }
    Value::Fields(fields)
}

/// `IncidentState` in small letters: `in_progress`.
fn state_word(state: IncidentState) -> String {
    state.as_str_name().trim_start_matches("INCIDENT_STATE_").to_ascii_lowercase()
}

fn note(entry: PublishedEntry, settings: &Open311Settings) -> Value {
    let PublishedEntry { at, kind, words, text, .. } = entry;
    let said = if text.is_empty() { settings.language.of(words) } else { text };
    Value::Fields(vec![
        ("datetime", times::written(at).map_or(Value::Null, Value::Text)),
        ("type", Value::text(kind)),
        ("description", Value::text(said)),
    ])
}

/// What somebody reports. E-mail addresses, devices and accounts are taken and not kept: the office calls by telephone, and
/// whoever forwards reports knows their own people.
pub(super) fn submission(params: &Params, request_id: Uuid) -> Result<SubmitReportRequest, Problem> {
    let text = |name: &str| Ok::<_, Problem>(params.one(name)?.unwrap_or_default().to_owned());
    let degrees = |name: &str| -> Result<Option<f64>, Problem> {
        let Some(text) = params.one(name)? else { return Ok(None) };
        let read = text.trim().parse().ok().filter(|degrees: &f64| degrees.is_finite());
        read.map(Some).ok_or_else(|| Problem::bad(format!("{name} must be degrees (WGS84), for example 31.86")))
    };
    let (latitude, longitude) = (degrees("lat")?, degrees("long")?);
    match (latitude, longitude) {
        (Some(_), None) => return Err(Problem::missing("long")),
        (None, Some(_)) => return Err(Problem::missing("lat")),
        _ => {}
    }
    let (address, area_code) = (text("address_string")?, text("address_id")?);
    if latitude.is_none() && address.is_empty() && area_code.is_empty() {
        return Err(Problem::bad("no location was provided: send lat and long, address_string or address_id"));
    }
    let name = name(params.one("first_name")?, params.one("last_name")?);
    Ok(SubmitReportRequest {
        category: params.required("service_code")?.to_owned(),
        area_code,
        address,
        latitude,
        longitude,
        description: text("description")?,
        reporter: Some(Reporter { name, phone: text("phone")? }),
        answers: params.attributes(),
        media_urls: params.all("media_url").map(str::to_owned).collect(),
        request_id: request_id.to_string(),
    })
}

/// A name as it is written: in Chinese the family's name goes first, and nothing stands between.
fn name(first: Option<&str>, last: Option<&str>) -> String {
    let (first, last) = (first.unwrap_or_default().trim(), last.unwrap_or_default().trim());
    let is_han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    if is_han(first) || is_han(last) { format!("{last}{first}") } else { format!("{first} {last}").trim().to_owned() }
}

/// The answer to a report.
pub(super) fn submitted(report: SubmittedReport) -> Document {
    let SubmittedReport { number, id: _ } = report;
    let request = Value::Fields(vec![
        ("service_request_id", Value::text(number)),
        ("service_notice", Value::Null),
        ("account_id", Value::Null),
    ]);
    Document { root: "service_requests", value: Value::List("request", vec![request]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(form: &str) -> Result<SubmitReportRequest, Problem> {
        submission(&Params::read("", form)?, Uuid::from_u128(1))
    }

    #[test]
    fn a_place_is_a_point_an_address_or_an_area() {
        for fine in
            ["lat=31.86&long=106.75", "address_string=a", "address_id=511903001", "lat=0&long=0&address_string=a"]
        {
            assert!(sent(&format!("service_code=x&{fine}")).is_ok(), "{fine}");
        }
        for wrong in ["", "lat=31.86", "long=1", "lat=&long=", "lat=a&long=1", "lat=NaN&long=1", "lat=inf&long=1"] {
            assert!(sent(&format!("service_code=x&{wrong}")).is_err(), "{wrong}");
        }
        assert_eq!(sent("address_string=a"), Err(Problem::missing("service_code")));
    }

    #[test]
    fn names_are_put_together_as_they_are_written() {
        assert_eq!(name(Some("小丽"), Some("王")), "王小丽");
        assert_eq!(name(Some("John"), Some("Smith")), "John Smith");
        assert_eq!((name(None, Some("Smith")), name(None, None)), ("Smith".to_owned(), String::new()));
    }

    #[test]
    fn states_are_asked_for_by_name() -> Result<(), Problem> {
        let of = |query: &str| status(&Params::read(query, "")?);
        assert_eq!((of("status=open")?, of("status=closed")?), (Some(true), Some(false)));
        assert_eq!((of("status=open,closed")?, of("status=")?), (None, None));
        assert!(of("status=OPEN").is_err());
        Ok(())
    }

    #[test]
    fn pages_count_from_one() -> Result<(), Problem> {
        let of = |query: &str| part(&Params::read(query, "")?);
        assert_eq!((of("")?, of("page=3&page_size=50")?), ((0, 1_000), (100, 50)));
        for wrong in ["page=0", "page=-1", "page_size=1001", "page_size=x", "page=2147483647&page_size=1000"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }
}
