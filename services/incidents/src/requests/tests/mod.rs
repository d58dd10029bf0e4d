mod la311;

use std::io::Read;

use super::*;
use crate::domain::{Channel, ImportedOutcome};

const MAPPING: &str = r#"
system = "city"
area = "511903001"
time_zone = "America/Los_Angeles"
time_format = "%Y-%m-%d %H:%M:%S"
[columns]
number = "no"
created = "created"
closed = "closed"
category = "type"
status = "state"
latitude = "lat"
longitude = "lon"
[category]
"路灯" = "roads.street_light"
[status]
open = "open"
done = "closed"
"#;
const HEADER: &str = "no,created,closed,type,state,lat,lon\n";

fn mapping(from: &str, to: &str) -> Result<Mapping, MappingError> {
    assert!(MAPPING.contains(from), "the test replaces something");
    MAPPING.replacen(from, to, 1).parse()
}

fn rows(text: &str, mapping: &Mapping) -> Result<Vec<ReadRow>, ReadError> {
    RequestReader::new(text.as_bytes(), mapping)?.collect()
}

/// The problems of a file with this one row: column and reason.
fn problems(row: &str, mapping: &Mapping) -> Vec<(String, &'static str)> {
    let rows = rows(&format!("{HEADER}{row}\n"), mapping).expect("the file can be read");
    match &rows[..] {
        [ReadRow::Refused(problems)] => {
            problems.iter().map(|problem| (problem.column.clone(), problem.problem.reason())).collect()
        }
        [ReadRow::Request(_)] => Vec::new(),
        other => panic!("one row expected: {other:?}"),
    }
}

#[test]
fn a_row_is_read_or_says_everything_that_is_wrong() {
    let mapping: Mapping = MAPPING.parse().expect("a good mapping");
    let found = |row: &str| problems(row, &mapping);
    let one = |column: &str, reason| vec![(column.to_owned(), reason)];
    assert_eq!(found("1,2018-01-02 03:04:05,2018-01-02 03:04:05,路灯,done,31.5,106.6"), []);
    assert_eq!(found(" 1 ,2018-01-02 03:04:05,,路灯,open,,"), []);
    assert_eq!(found(",2018-01-02 03:04:05,,路灯,open,,"), one("no", "MISSING"));
    assert_eq!(found("1,2018-02-30 03:04:05,,路灯,open,,"), one("created", "BAD_TIME"));
    assert_eq!(found("1,,,路灯,open,,"), one("created", "MISSING"));
    assert_eq!(found("1,2018-01-02 03:04:05,,灯,open,,"), one("type", "UNKNOWN_CATEGORY"));
    assert_eq!(found("1,2018-01-02 03:04:05,,路灯,DONE,,"), one("state", "UNKNOWN_STATUS"));
    assert_eq!(found("1,2018-01-02 03:04:05,,路灯,done,,"), one("closed", "MISSING_CLOSED_TIME"));
    assert_eq!(found("1,2018-01-02 03:04:05,soon,路灯,done,,"), one("closed", "BAD_TIME"));
    assert_eq!(found("1,2018-01-02 03:04:05,2018-01-02 03:04:05,路灯,open,,"), one("closed", "OPEN_WITH_CLOSED_TIME"));
    assert_eq!(found("1,2018-01-02 03:04:05,2018-01-02 03:04:04,路灯,done,,"), one("closed", "CLOSED_BEFORE_CREATED"));
    assert_eq!(found("1,2018-01-02 03:04:05,,路灯,open,31.5,"), one("lon", "HALF_COORDINATE"));
    assert_eq!(found("1,2018-01-02 03:04:05,,路灯,open,NaN,-180.1").len(), 2);
    assert_eq!(found("1,2018-01-02 03:04:05,,路灯,open,"), one("", "COLUMN_COUNT"));
    assert_eq!(found("a\0b,2018-01-02 03:04:05,,路灯,open,,"), one("no", "CONTROL_CHARACTER"));
    assert_eq!(found(&format!("{},2018-01-02 03:04:05,,路灯,open,,", "长".repeat(1001))), one("no", "TOO_LONG"));
    assert_eq!(found(",never,2018-01-02,灯,shut,91,200").len(), 7);
}

#[test]
fn the_hour_that_comes_twice_and_the_hour_that_never_comes() {
    // In 2018 Los Angeles went to summer time on 11 March and back on 4 November, each time at two in the morning.
    let twice = "1,2018-11-04 01:30:00,,路灯,open,,";
    let never = "1,2018-03-11 02:30:00,,路灯,open,,";
    let reject: Mapping = MAPPING.parse().expect("a good mapping");
    assert_eq!(problems(twice, &reject), [("created".to_owned(), "AMBIGUOUS_TIME")]);
    for (word, utc) in [("earlier", "2018-11-04T08:30:00Z"), ("later", "2018-11-04T09:30:00Z")] {
        let ambiguous = format!("ambiguous_time = \"{word}\"\n[columns]");
        let mapping = mapping("[columns]", &ambiguous).expect("a good mapping");
        let rows = rows(&format!("{HEADER}{twice}"), &mapping).expect("can be read");
        let [ReadRow::Request(row)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(row.created_at, utc.parse::<chrono::DateTime<chrono::Utc>>().expect("a time"));
        assert_eq!(problems(never, &mapping), [("created".to_owned(), "NONEXISTENT_TIME")]);
    }
}

#[test]
fn an_offset_in_the_format_needs_no_zone() {
    let mapping = mapping("%H:%M:%S", "%H:%M:%S%z").expect("a good mapping");
    let rows = rows(&format!("{HEADER}1,2018-01-02 03:04:05+0800,,路灯,open,,"), &mapping).expect("can be read");
    let [ReadRow::Request(row)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row.created_at.to_rfc3339(), "2018-01-01T19:04:05+00:00");
    assert_eq!((row.channel, row.outcome, row.anonymous), (Channel::Import, ImportedOutcome::Open, None));
}

#[test]
fn a_mapping_is_checked_before_any_row() {
    let cases = [
        ("time_zone = \"America/Los_Angeles\"", "time_zone = \"LA\""),
        ("%H:%M", "%I:%M"),
        (" %H:%M:%S", ""),
        ("%H", "%Q"),
        ("roads.street_light", "Roads/Lamp"),
        ("done = \"closed\"", "done = \"confirmed\""),
        ("511903001", "5119"),
        ("\"city\"", "\"The City\""),
        ("area = ", "aera = "),
        ("area = \"511903001\"", ""),
        ("latitude = \"lat\"", ""),
        ("[columns]", "delimiter = \"||\"\n[columns]"),
        ("[columns]", "encoding = \"klingon\"\n[columns]"),
        ("lat\"", "lat\"\nchannel = \"c\""),
    ];
    let errors: Vec<_> =
        cases.iter().map(|(from, to)| mapping(from, to).expect_err("a bad mapping").to_string()).collect();
    insta::assert_snapshot!(errors.join("\n---\n"));
}

#[test]
fn a_file_that_does_not_fit_the_mapping_is_refused_by_name() {
    let mapping: Mapping = MAPPING.parse().expect("a good mapping");
    let refused = |text: &str| rows(text, &mapping).expect_err("does not fit").to_string();
    let missing = refused("no,created,closed,type,lat,lon\n");
    assert_eq!(
        missing,
        "the file has no column `state`, which the mapping names; it has: no, created, closed, type, lat, lon"
    );
    assert!(refused(&HEADER.replace("lat", "no")).contains("two columns `no`"));
    assert!(refused(&"x,".repeat(5000)).contains("5001 columns"));
    // The rest of the file would be one cell.
    let open_quote = format!("{HEADER}\"{}", "x\n".repeat(1 << 20));
    assert!(matches!(rows(&open_quote, &mapping), Err(ReadError::Csv(_))));
}

#[test]
fn a_number_counts_once() {
    let mapping: Mapping = MAPPING.parse().expect("a good mapping");
    let row = "7,2018-01-02 03:04:05,,路灯,open,,\n";
    let rows = rows(&format!("{HEADER}{row}{row}"), &mapping).expect("can be read");
    let [ReadRow::Request(first), ReadRow::Refused(second)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((first.line, second[0].line), (2, 3));
    assert_eq!((second[0].problem, second[0].value.as_str()), (Problem::DuplicateNumber, "7"));
}

#[test]
fn lines_are_those_an_editor_shows() {
    let text = MAPPING.replace("[columns]", "[columns]\naddress = \"where\"");
    let mapping: Mapping = text.parse().expect("a good mapping");
    let row = |number| format!("{number},2018-01-02 03:04:05,,路灯,open,,,\"A\nB\"\n");
    let file = format!("{},where\n{}\n\n{}{}", HEADER.trim_end(), row(1), row(2), row(3));
    let windows = file.replace('\n', "\r\n");
    for text in [file.as_str(), windows.as_str(), file.trim_end()] {
        let rows = rows(text, &mapping).expect("can be read");
        let lines: Vec<_> = rows
            .iter()
            .map(|row| match row {
                ReadRow::Request(row) => row.line,
                ReadRow::Refused(problems) => panic!("{problems:?}"),
            })
            .collect();
        assert_eq!(lines, [2, 6, 8]);
    }
}

/// Gives one byte at a time, so that characters are torn apart.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let one = out.len().min(1);
        self.0.read(&mut out[..one])
    }
}

#[test]
fn other_encodings_and_a_byte_order_mark_are_read() {
    let text = format!("{HEADER}1,2018-01-02 03:04:05,,路灯,open,,\n");
    let read = |bytes: &[u8], label: &str| {
        let mapping = mapping("[columns]", &format!("encoding = \"{label}\"\n[columns]")).expect("a good mapping");
        let rows: Result<Vec<_>, _> = RequestReader::new(Drip(bytes), &mapping).expect("a header").collect();
        rows.expect("can be read")
    };
    let (gb18030, ..) = encoding_rs::GB18030.encode(&text);
    let with_mark = format!("\u{feff}{text}");
    for (bytes, label) in [(&*gb18030, "gb18030"), (with_mark.as_bytes(), "utf-8")] {
        assert!(matches!(&read(bytes, label)[..], [ReadRow::Request(_)]), "{label}");
    }
    // GB18030 read as UTF-8 is not taken for text.
    assert!(matches!(&read(&gb18030, "utf-8")[..], [ReadRow::Refused(_)]));
}

#[test]
fn a_report_opens_in_a_spreadsheet_and_runs_nothing() {
    let mut report = ReportWriter::new(Vec::new()).expect("memory takes it");
    for value in ["=cmd|' /C calc'!A0", "@sum", "-118.26", "-x", "路灯,\"坏\""] {
        let problem = RowProblem {
            line: 2,
            column: "type".to_owned(),
            problem: Problem::UnknownCategory,
            value: value.to_owned(),
        };
        report.write(&problem).expect("memory takes it");
    }
    let text = String::from_utf8(report.finish().expect("memory takes it")).expect("UTF-8");
    insta::assert_snapshot!(text.strip_prefix('\u{feff}').expect("a byte order mark"));
}
