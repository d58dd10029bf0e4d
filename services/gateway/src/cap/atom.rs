//! A feed of warnings after RFC 4287. Its links are relative: they hold behind whatever name the door has.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use linju_proto::incidents::v1::{Warning, WarningInfo, WarningStatus};
use quick_xml::escape::escape;

/// The feed of an area, the newest first.
pub(super) fn feed(area: &str, warnings: &[Warning]) -> String {
    let newest = warnings.iter().map(sent).max().unwrap_or_default();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"zh-CN\">");
    element(&mut xml, "id", &format!("urn:linju:warnings:{area}"));
    element(&mut xml, "title", &format!("公共预警 {area}"));
    element(&mut xml, "updated", &time(newest));
    xml.push_str("<author><name>邻聚 Linju</name></author>");
    // Writing to a String does not fail.
    let _ = write!(xml, "<link rel=\"self\" href=\"/cap/areas/{}.atom\"/>", escape(area));
    for warning in warnings {
        entry(&mut xml, warning);
    }
    xml.push_str("</feed>\n");
    xml
}

fn entry(xml: &mut String, warning: &Warning) {
    let nothing = WarningInfo::default();
    let info = warning.info.as_ref().unwrap_or(&nothing);
    let drill = if warning.status() == WarningStatus::Actual { "" } else { "【演练】" };
    xml.push_str("<entry>");
    element(xml, "id", &format!("urn:linju:warning:{}", warning.identifier));
    element(xml, "title", &format!("{drill}{}", info.headline));
    element(xml, "updated", &time(sent(warning)));
    let _ = write!(
        xml,
        "<link rel=\"alternate\" type=\"application/cap+xml\" href=\"/cap/warnings/{}.xml\"/>",
        escape(warning.id.as_str())
    );
    let _ = write!(xml, "<category term=\"{}\"/>", warning.message_type().as_str_name().to_ascii_lowercase());
    element(xml, "summary", &info.instruction);
    xml.push_str("</entry>");
}

fn sent(warning: &Warning) -> DateTime<Utc> {
    let at = warning.sent_at.unwrap_or_default();
    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).unwrap_or_default()).unwrap_or_default()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn element(xml: &mut String, name: &str, text: &str) {
    let clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let _ = write!(xml, "<{name}>{}</{name}>", escape(clean));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_reads_as_atom() {
        let warning = Warning {
            id: "0198c000-0000-7000-8000-000000000001".to_owned(),
            identifier: "LW-1".to_owned(),
            sent_at: Some(prost_types::Timestamp { seconds: 1_795_420_800, nanos: 0 }),
            status: WarningStatus::Exercise.into(),
            info: Some(WarningInfo {
                headline: "暴雨 <红色> & 大风".to_owned(),
                instruction: "关好门窗\u{7}".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        insta::assert_snapshot!(feed("511903001", &[warning]).replace("><", ">\n<"));
    }
}
