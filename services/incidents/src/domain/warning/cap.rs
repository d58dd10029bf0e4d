//! A message as CAP 1.2 XML. The order of the elements is the schema's; times are in China's offset, for `Z` is not valid.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset, Utc};

use super::{Area, Colour, Info, Message, Reference, Status};

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
const CHINA_S: i32 = 8 * 3600;
const LANGUAGE: &str = "zh-CN";

impl Message {
    /// The whole document.
    pub fn to_cap(&self) -> String {
        let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        xml.open(&format!("alert xmlns=\"{NAMESPACE}\""));
        xml.element("identifier", &self.identifier);
        xml.element("sender", &self.sender);
        xml.element("sent", &time(self.sent));
        xml.element("status", self.status.code());
        xml.element("msgType", self.kind.code());
        xml.element("scope", "Public");
        xml.given("note", &self.note);
        let references: Vec<_> = self.references.iter().map(reference).collect();
        xml.given("references", &references.join(" "));
        xml.group("info", |xml| self.info.write(xml, self.status));
        xml.0.push_str("</alert>\n");
        xml.0
    }
}

impl Info {
    fn write(&self, xml: &mut Xml, status: Status) {
        xml.element("language", LANGUAGE);
        for category in &self.categories {
            xml.element("category", category.code());
        }
        xml.element("event", &self.event);
        for response in &self.responses {
            xml.element("responseType", response.code());
        }
        xml.element("urgency", self.urgency.code());
        xml.element("severity", self.severity.code());
        xml.element("certainty", self.certainty.code());
        for (name, at) in [("effective", self.effective), ("onset", self.onset), ("expires", Some(self.expires))] {
            xml.given(name, &at.map(time).unwrap_or_default());
        }
        xml.given("senderName", &self.sender_name);
        // Whoever reads nothing else reads that it is an exercise.
        let headline =
            if status == Status::Exercise { format!("【演练】{}", self.headline) } else { self.headline.clone() };
        xml.element("headline", &headline);
        xml.given("description", &self.description);
        xml.given("instruction", &self.instruction);
        xml.given("web", &self.web);
        xml.given("contact", &self.contact);
        if let Some(colour) = self.colour {
            xml.named("parameter", "warningColor", word(colour));
        }
        for area in &self.areas {
            xml.group("area", |xml| area.write(xml));
        }
    }
}

impl Area {
    fn write(&self, xml: &mut Xml) {
        let buildings: Vec<_> = self.buildings.iter().map(|b| format!("{}{}", b.compound, b.building)).collect();
        let place = if buildings.is_empty() {
            self.description.clone()
        } else {
            format!("{}（{}）", self.description, buildings.join("、"))
        };
        xml.element("areaDesc", &place);
        let corners: Vec<_> = self.polygon.iter().map(|(lat, lon)| format!("{lat},{lon}")).collect();
        xml.given("polygon", &corners.join(" "));
        xml.named("geocode", "GB/T 2260", &self.code);
    }
}

/// The word that China's own warnings carry.
const fn word(colour: Colour) -> &'static str {
    match colour {
        Colour::Red => "红色",
        Colour::Orange => "橙色",
        Colour::Yellow => "黄色",
        Colour::Blue => "蓝色",
    }
}

fn reference(Reference { sender, identifier, sent }: &Reference) -> String {
    format!("{sender},{identifier},{}", time(*sent))
}

/// `2026-11-23T10:15:00+08:00`
fn time(at: DateTime<Utc>) -> String {
    let china = FixedOffset::east_opt(CHINA_S).unwrap_or_else(|| chrono::Offset::fix(&Utc));
    at.with_timezone(&china).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

struct Xml(String);

impl Xml {
    fn open(&mut self, tag: &str) {
        self.0.extend(["<", tag, ">"]);
    }

    fn element(&mut self, name: &str, text: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", quick_xml::escape::escape(without_controls(text)));
    }

    /// Left out where there is nothing to say.
    fn given(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.element(name, text);
        }
    }

    fn group(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.open(name);
        write(self);
        self.open(&format!("/{name}"));
    }

    fn named(&mut self, group: &str, name: &str, value: &str) {
        self.group(group, |xml| {
            xml.element("valueName", name);
            xml.element("value", value);
        });
    }
}

/// XML 1.0 has no other control characters.
fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
