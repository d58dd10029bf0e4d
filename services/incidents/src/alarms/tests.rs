use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;
use crate::domain::alarm::AlarmKind;

fn alarm(message: Message) -> Raised {
    match message.said {
        Ok(Said::Alarm(raised)) => raised,
        Ok(Said::Heartbeat { .. }) => panic!("a heartbeat"),
        Err(refused) => panic!("{refused}"),
    }
}

fn reason(message: &Message) -> &'static str {
    message.said.as_ref().err().map_or("taken", NotTaken::reason)
}

const JSON: &str = r#"{"id":"A-1","device":"PUMP-7","kind":"flooding","at":"2026-11-23T08:00:00+08:00","priority":2,
    "latitude":31.86,"longitude":106.75,"note":"<script>alert('水')</script>'; DROP TABLE alarms;--","video":""}"#;

#[test]
fn json_is_read_and_its_text_is_text() {
    let raised = alarm(read("alarm", JSON.as_bytes()));
    assert_eq!((raised.id.as_str(), raised.kind, raised.priority), ("A-1", AlarmKind::Flooding, 2));
    assert_eq!(raised.at.to_rfc3339(), "2026-11-23T00:00:00+00:00");
    assert_eq!(raised.note, "<script>alert('水')</script>'; DROP TABLE alarms;--");
}

#[test]
fn what_is_no_alarm_is_told_why() {
    let change = |from: &str, to: &str| reason(&read("alarm", JSON.replace(from, to).as_bytes()));
    assert_eq!(change("flooding", "loitering"), "ABOUT_PERSONS");
    assert_eq!(change("flooding", "earthquake"), "UNKNOWN_KIND");
    // There is no field that could hold what identifies somebody.
    for field in ["face", "faceFeature", "plate", "personId", "track", "partner_id"] {
        assert_eq!(change("\"id\"", &format!("\"{field}\":\"x\",\"id\"")), "MALFORMED", "{field}");
    }
    assert_eq!(change("\"priority\":2", "\"priority\":5"), "INVALID_FIELD");
    assert_eq!(change("31.86", "91"), "INVALID_FIELD");
    assert_eq!(change("\"longitude\":106.75,", ""), "INVALID_FIELD");
    assert_eq!(change("A-1", &"x".repeat(65)), "INVALID_FIELD");
    assert_eq!(change("A-1", "邻聚"), "INVALID_FIELD");
    assert_eq!(change("08:00:00+08:00", "08:00:00"), "MALFORMED");
    assert_eq!(change("}", ",\"id\":\"again\"}"), "MALFORMED");
    assert_eq!(change("\"device\":\"PUMP-7\",", ""), "MALFORMED");
    assert_eq!(reason(&read("alarm", &vec![b' '; MOST_BYTES + 1])), "TOO_LARGE");
    for bad in [&b""[..], b"[]", b"null", b"\xff\xfe", b"{\"id\":"] {
        assert_eq!(reason(&read("alarm", bad)), "MALFORMED");
    }
    assert_eq!(reason(&read("track", JSON.as_bytes())), "MALFORMED");
    assert!(
        matches!(read("heartbeat", b"{\"device\":\"PUMP-7\"}").said, Ok(Said::Heartbeat { device }) if device == "PUMP-7")
    );
}

fn notify(encoding: &str, method: &str, detail: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\r\n<Notify>\r\n<CmdType>Alarm</CmdType>\r\n<SN>17</SN>\r\n\
         <DeviceID>51190300101320000001</DeviceID>\r\n<AlarmPriority>1</AlarmPriority>\r\n<AlarmMethod>{method}</AlarmMethod>\r\n\
         <AlarmTime>2026-11-22T10:39:15</AlarmTime>\r\n<AlarmDescription>水泵房进水 &lt;2 &amp; 邻聚</AlarmDescription>\r\n\
         <Longitude>106.75</Longitude>\r\n<Latitude>31.86</Latitude>\r\n\
         <Info>\r\n<AlarmType>{detail}</AlarmType>\r\n</Info>\r\n</Notify>\r\n"
    )
}

#[test]
fn gb28181_is_read_in_its_encodings() {
    for encoding in ["GB2312", "gb18030", "GBK", "UTF-8"] {
        let text = notify(encoding, "5", "3");
        let body = if encoding == "UTF-8" { text.into_bytes() } else { GB18030.encode(&text).0.into_owned() };
        let message = read("alarm", &body);
        let form = message.form.clone();
        let raised = alarm(message);
        assert_eq!(raised.kind, AlarmKind::LeftObject);
        assert_eq!(raised.id, "51190300101320000001/17/2026-11-22T10:39:15");
        assert_eq!(raised.at.to_rfc3339(), "2026-11-22T02:39:15+00:00");
        assert_eq!(raised.note, "水泵房进水 <2 & 邻聚");
        assert_eq!((raised.priority, raised.point), (1, Some((31.86, 106.75))));
        let ok = String::from_utf8(answer(&form, &Ok(Taken::New)).to_vec()).expect("ASCII");
        for part in
            ["<Response>", "<CmdType>Alarm</CmdType>", "<SN>17</SN>", "<Result>OK</Result>", "51190300101320000001"]
        {
            assert!(ok.contains(part), "{ok}");
        }
    }
    let keepalive = "<Notify><CmdType>Keepalive</CmdType><SN>3</SN><DeviceID>51190300101320000001</DeviceID><Status>OK</Status></Notify>";
    assert!(matches!(read("alarm", keepalive.as_bytes()).said, Ok(Said::Heartbeat { .. })));
}

#[test]
fn methods_and_types() {
    let of = |method: &str, detail: &str| reason(&read("alarm", notify("UTF-8", method, detail).as_bytes()));
    for (method, detail) in
        [("2", "1"), ("2", "2"), ("6", "1"), ("5", "1"), ("5", "3"), ("5", "6"), ("5", "10"), ("5", "11")]
    {
        assert_eq!(of(method, detail), "taken", "{method}/{detail}");
    }
    for detail in ["2", "5", "7", "8", "9", "12"] {
        assert_eq!(of("5", detail), "ABOUT_PERSONS", "5/{detail}");
    }
    for (method, detail) in
        [("1", "1"), ("3", "1"), ("4", "1"), ("7", "1"), ("5", "4"), ("5", "99"), ("", ""), ("5", "")]
    {
        assert_eq!(of(method, detail), "UNKNOWN_KIND", "{method}/{detail}");
    }
}

#[test]
fn hostile_xml_is_refused() {
    let good = notify("UTF-8", "5", "3");
    let with = |from: &str, to: &str| reason(&read("alarm", good.replace(from, to).as_bytes()));
    let dtd = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>\r\n<Notify>";
    assert_eq!(with("<Notify>", dtd), "MALFORMED");
    assert_eq!(with("17", "&b;"), "MALFORMED");
    assert_eq!(with("17", "&lol9;"), "MALFORMED");
    assert_eq!(with("</Notify>", ""), "MALFORMED");
    assert_eq!(with("<SN>17</SN>", "<SN>17</SN><SN>18</SN>"), "MALFORMED");
    assert_eq!(with("<SN>17</SN>", &format!("{}{}", "<a>".repeat(9), "</a>".repeat(9))), "MALFORMED");
    assert_eq!(with("Alarm</CmdType>", "Catalog</CmdType>"), "MALFORMED");
    assert_eq!(with("encoding=\"UTF-8\"", "encoding=\"Big5\""), "ENCODING");
    assert_eq!(with("10:39:15", "25:39:15"), "INVALID_FIELD");
    assert_eq!(with("<Latitude>31.86</Latitude>", "<Latitude>north</Latitude>"), "INVALID_FIELD");
    let mut broken = GB18030.encode(&notify("GB18030", "5", "3")).0.into_owned();
    broken.extend([0x81, 0x20]);
    assert_eq!(reason(&read("alarm", &broken)), "ENCODING");
    // What is echoed cannot carry markup.
    let echo = read("alarm", good.replace("17", "1&lt;x&gt;").as_bytes());
    let answer = answer(&echo.form, &Err(NotTaken::NoPartner));
    assert!(String::from_utf8_lossy(&answer).contains("<SN>1x</SN>"), "{answer:?}");
}

proptest! {
    /// Whatever bytes come, reading ends with an alarm or a reason, and the answer is bounded.
    #[test]
    fn whatever_comes_is_answered(mut body in prop::collection::vec(any::<u8>(), 0..400), xml in any::<bool>()) {
        if xml {
            body.insert(0, b'<');
        }
        let message = read("alarm", &body);
        let outcome = message.said.map(|_| Taken::New);
        prop_assert!(answer(&message.form, &outcome).len() < 2_000);
    }

    /// One changed byte in a good message neither panics nor makes an endless answer.
    #[test]
    fn a_broken_message_is_answered(at in 0usize..500, byte in any::<u8>()) {
        let mut body = notify("GB2312", "5", "3").into_bytes();
        let at = at % body.len();
        body[at] = byte;
        let message = read("alarm", &body);
        let outcome = message.said.map(|_| Taken::New);
        prop_assert!(answer(&message.form, &outcome).len() < 2_000);
    }
}
