//! MANSCDP, the XML of GB/T 28181: alarms and keepalives, in GB2312, GB18030 or UTF-8. No DTD, no entities but the five of
//! XML itself.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use encoding_rs::{Encoding, GB18030, UTF_8};
use quick_xml::{Reader, events::Event};

use super::{Form, Message, Outcome, Said, checked, name, point};
use crate::domain::alarm::{AlarmKind, NotTaken, Raised};

const MOST_ELEMENTS: usize = 64;
const MOST_DEPTH: usize = 6;
/// Where the XML declaration ends at the latest.
const DECLARATION: usize = 200;
/// The standard writes times without a zone.
const CHINA: i32 = 8 * 3600;

pub(super) fn read(body: &[u8]) -> Message {
    match decoded(body).and_then(|text| elements(&text)) {
        Ok(fields) => {
            let repeat = |path: &str, most: usize| {
                let text = fields.get(path).map(String::as_str).unwrap_or_default();
                text.chars().filter(char::is_ascii_alphanumeric).take(most).collect::<String>()
            };
            let form = Form::Manscdp {
                command: repeat("Notify/CmdType", 20),
                number: repeat("Notify/SN", 10),
                device: repeat("Notify/DeviceID", 20),
            };
            Message { form, said: said(&fields) }
        }
        Err(refused) => {
            let form = Form::Manscdp { command: "Alarm".into(), number: String::new(), device: String::new() };
            Message { form, said: Err(refused) }
        }
    }
}

pub(super) fn answer(command: &str, number: &str, device: &str, outcome: &Outcome) -> Bytes {
    let result = match outcome {
        Ok(_) => "<Result>OK</Result>".to_owned(),
        Err(refused) => format!("<Result>ERROR</Result>\r\n<Info>{}</Info>", refused.reason()),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"GB18030\"?>\r\n<Response>\r\n<CmdType>{command}</CmdType>\r\n<SN>{number}</SN>\r\n\
         <DeviceID>{device}</DeviceID>\r\n{result}\r\n</Response>\r\n"
    )
    .into()
}

fn malformed(why: &str) -> NotTaken {
    NotTaken::Malformed(why.to_owned())
}

fn decoded(body: &[u8]) -> Result<String, NotTaken> {
    let head = &body[..body.len().min(DECLARATION)];
    let head = String::from_utf8_lossy(head);
    let declared = head
        .split_once("?>")
        .and_then(|(declaration, _)| declaration.split_once("encoding="))
        .and_then(|(_, rest)| rest.split(['"', '\'']).nth(1))
        .map(str::to_ascii_lowercase);
    let encoding: &'static Encoding = match declared.as_deref() {
        None | Some("utf-8" | "utf8") => UTF_8,
        // GB18030 contains the others.
        Some("gb18030" | "gb2312" | "gbk") => GB18030,
        Some(_) => return Err(NotTaken::Encoding("it declares another encoding".to_owned())),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    text.map(std::borrow::Cow::into_owned).ok_or_else(|| NotTaken::Encoding(encoding.name().to_owned()))
}

/// The text of each element by its path, for example `Notify/Info/AlarmType`.
fn elements(text: &str) -> Result<HashMap<String, String>, NotTaken> {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut found: HashMap<String, String> = HashMap::new();
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|_| malformed("it is no well-formed XML"))?;
        let add = match event {
            Event::Start(start) => {
                path.push(start.name().0.to_owned());
                count += 1;
                if path.len() > MOST_DEPTH || count > MOST_ELEMENTS {
                    return Err(malformed("more elements than an alarm has"));
                }
                if found.insert(path.join("/"), String::new()).is_some() {
                    return Err(malformed("an element stands in it twice"));
                }
                continue;
            }
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::Text(text) => text.to_string(),
            Event::CData(data) => data.to_string(),
            Event::GeneralRef(reference) => entity(&reference)?.to_string(),
            Event::DocType(_) => return Err(malformed("a DTD is not taken")),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
        };
        if let Some(text) = found.get_mut(&path.join("/")) {
            text.push_str(&add);
        } else if !add.trim().is_empty() && add != "\u{feff}" {
            return Err(malformed("text outside of its elements"));
        }
    }
    if path.is_empty() && !found.is_empty() {
        Ok(found)
    } else {
        Err(malformed("it ends before its last element does"))
    }
}

fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, NotTaken> {
    let unknown = || malformed("entities other than the five of XML are not taken");
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => reference.resolve_char_ref().ok().flatten().ok_or_else(unknown),
    }
}

fn said(fields: &HashMap<String, String>) -> Result<Said, NotTaken> {
    let get = |path: &str| fields.get(path).map(|text| text.trim()).filter(|text| !text.is_empty());
    let device = get("Notify/DeviceID").unwrap_or_default().to_owned();
    name("device", &device)?;
    match get("Notify/CmdType") {
        Some("Keepalive") => return Ok(Said::Heartbeat { device }),
        Some("Alarm") => {}
        _ => return Err(malformed("a Notify of CmdType Alarm or Keepalive is taken")),
    }
    let number = get("Notify/SN").unwrap_or_default();
    let time = get("Notify/AlarmTime").unwrap_or_default();
    let detail = get("Notify/Info/AlarmType");
    let degrees = |path: &str, which| {
        let number = get(path).map(str::parse::<f64>).transpose();
        number.map_err(|_| super::field(which, "must be degrees of WGS84"))
    };
    let raised = Raised {
        // The standard has no number of an alarm: this is the same in every copy of the message and no other.
        id: format!("{device}/{number}/{time}"),
        kind: kind(get("Notify/AlarmMethod"), detail)?,
        at: at(time)?,
        priority: get("Notify/AlarmPriority").map_or(Ok(0), str::parse).unwrap_or(-1),
        point: point(degrees("Notify/Latitude", "latitude")?, degrees("Notify/Longitude", "longitude")?)?,
        note: get("Notify/AlarmDescription").unwrap_or_default().to_owned(),
        video: String::new(),
        device,
    };
    Ok(Said::Alarm(checked(raised)?))
}

/// `AlarmMethod` and `AlarmType` (GB/T 28181, A.2.5) as a kind of ours.
fn kind(method: Option<&str>, detail: Option<&str>) -> Result<AlarmKind, NotTaken> {
    let persons = |kind: &str| Err(NotTaken::AboutPersons { kind: kind.to_owned() });
    match (method, detail) {
        (Some("2"), Some("2")) => Ok(AlarmKind::DeviceTamper),
        (Some("2" | "6"), _) | (Some("5"), Some("11")) => Ok(AlarmKind::DeviceFault),
        (Some("5"), Some("1")) => Ok(AlarmKind::Manual),
        (Some("5"), Some("3")) => Ok(AlarmKind::LeftObject),
        (Some("5"), Some("6")) => Ok(AlarmKind::Intrusion),
        (Some("5"), Some("10")) => Ok(AlarmKind::CrowdDensity),
        (Some("5"), Some("2")) => persons("5/2 moving object"),
        (Some("5"), Some("5")) => persons("5/5 line crossing"),
        (Some("5"), Some("7")) => persons("5/7 wrong way"),
        (Some("5"), Some("8")) => persons("5/8 loitering"),
        (Some("5"), Some("9")) => persons("5/9 flow of people"),
        (Some("5"), Some("12")) => persons("5/12 fast movement"),
        (method, detail) => {
            let number = |text: Option<&str>| text.unwrap_or("-").chars().take(3).collect::<String>();
            Err(NotTaken::UnknownKind { kind: format!("{}/{}", number(method), number(detail)) })
        }
    }
}

fn at(text: &str) -> Result<DateTime<Utc>, NotTaken> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    let at = local.zip(FixedOffset::east_opt(CHINA)).and_then(|(at, zone)| at.and_local_timezone(zone).single());
    at.map(|at| at.to_utc()).ok_or_else(|| super::field("at", "must be a time like 2026-11-22T10:39:15"))
}
