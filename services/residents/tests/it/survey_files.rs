//! Files that offices keep in their own way, and files that are broken or made to do harm.

use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use chassis::data::AreaCode;
use chrono::NaiveDate;
use linju_residents::survey::limits::Limits;
use linju_residents::survey::reader::{Judged, Survey, SurveyError, read_survey};
use linju_residents::survey::row::RowRules;
use linju_residents::survey::source::{SourceError, SurveyFile};
use zip::write::SimpleFileOptions;

const HEADER: &str = "社区,网格,楼栋,房号,户编号,与户主关系,姓名,性别,出生日期,身份证号,手机号,关爱标签,摸底日期";
const GOOD: &str =
    "白玉社区,511903001008002,1栋,-101,H1,户主,张清秀,男,1990-01-01,511903199001010033,13912341550,,2026-10-18";

fn read_with(bytes: Vec<u8>, limits: Limits) -> Result<(Survey, Vec<Judged>), SurveyError> {
    let check_area =
        |_: &str, grid: Option<&AreaCode>| grid.copied().ok_or(linju_residents::survey::areas::AreaRefused::Outside);
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap_or_default();
    let mut judged = Vec::new();
    let mut file = SurveyFile::from_bytes(bytes, limits)?;
    let survey = read_survey(&mut file, RowRules { today, check_area: &check_area }, |row| {
        judged.push(row);
        Ok::<_, SurveyError>(())
    })?;
    Ok((survey, judged))
}

fn read(bytes: impl Into<Vec<u8>>) -> Result<(Survey, Vec<Judged>), SurveyError> {
    read_with(bytes.into(), Limits::default())
}

fn refused(bytes: impl Into<Vec<u8>>) -> String {
    read(bytes).map_or_else(|error| error.to_string(), |(survey, _)| format!("{survey:?}"))
}

/// The fields and reasons that a row with one cell exchanged is refused for.
fn complaints(from: &str, to: &str) -> Result<Vec<String>> {
    assert!(GOOD.contains(from));
    let (_, judged) = read(format!("{HEADER}\n{}\n", GOOD.replacen(from, to, 1)))?;
    let problems = judged.into_iter().filter_map(Result::err).flat_map(|row| row.problems);
    Ok(problems.map(|problem| format!("{}: {}", problem.field, problem.reason.as_str())).collect())
}

#[test]
fn a_row_is_told_all_that_is_wrong_with_it() -> Result<()> {
    assert_eq!(complaints("张清秀", "张清秀")?, Vec::<String>::new());
    for (from, to, expected) in [
        ("张清秀", "张\0清秀", "name: control_character"),
        ("张清秀", "", "name: blank"),
        ("1990-01-01", "1990-01-02", "birth_date: contradicts_id"),
        ("1990-01-01", "2027-01-01", "birth_date: in_future"),
        ("男", "女", "sex: contradicts_id"),
        ("男", "不明", "sex: unknown_value"),
        ("户主", "邻居", "relation: unknown_value"),
        ("511903199001010033", "511903900101003", "national_id: id_length"),
        ("13912341550", "1391234155", "phone: phone_form"),
        ("2026-10-18", "2026-11-24", "visited_on: in_future"),
        ("2026-10-18", "", "visited_on: blank"),
        ("511903001008002", "51190300100800", "area: area_form"),
        ("-101", "=1+1", "room: formula"),
        ("2026-10-18", "2026-10-18,张三", "row: extra_cells"),
    ] {
        assert_eq!(complaints(from, to)?, [expected], "{to}");
    }
    Ok(())
}

#[test]
fn a_child_without_a_number_needs_its_own_dates() -> Result<()> {
    assert_eq!(complaints("511903199001010033", "")?, Vec::<String>::new());
    assert_eq!(complaints("511903199001010033", "无")?, Vec::<String>::new());
    assert_eq!(complaints("男,1990-01-01,511903199001010033", ",,")?, ["sex: blank", "birth_date: blank"]);
    assert_eq!(complaints("男,1990-01-01", ",")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn titles_and_blank_lines_are_passed_over_and_lines_still_right() -> Result<()> {
    let nameless = GOOD.replace("张清秀", "");
    let two_lines = GOOD.replace("张清秀", "\"张\n清秀\"");
    let text = format!("登科街道摸底表\n\n{HEADER}\n{GOOD}\n\n,,,\n\n{nameless}\n{two_lines}\n{GOOD}");
    for text in [text.replace('\n', "\r\n"), text] {
        let (survey, judged) = read(text)?;
        assert_eq!((survey.rows, survey.accepted), (4, 2));
        let lines: Vec<u64> =
            judged.iter().map(|row| row.as_ref().map_or_else(|row| row.line, |row| row.line)).collect();
        assert_eq!(lines, [4, 8, 9, 11]);
    }
    Ok(())
}

#[test]
fn damaged_bytes_spoil_their_cell_only() -> Result<()> {
    let mut bytes = format!("{HEADER}\n{GOOD}\n{GOOD}\n").into_bytes();
    let at = bytes.windows(3).position(|window| window == "秀".as_bytes()).context("the name")?;
    bytes[at] = 0xFF;
    let (survey, judged) = read(bytes)?;
    assert_eq!((survey.rows, survey.accepted), (2, 1));
    let problem = &judged[0].as_ref().err().context("a refused row")?.problems[0];
    assert_eq!((problem.line, problem.field, problem.reason.as_str()), (2, "name", "encoding"));
    Ok(())
}

#[test]
fn files_that_are_no_survey_are_refused_in_plain_words() {
    assert_eq!(refused(""), "the file is empty; the first row must name the columns");
    assert_eq!(refused("\u{FEFF}\n\n"), "the file is empty; the first row must name the columns");
    assert!(refused("姓名,性别\n张三,男\n").starts_with("line 1: the columns 社区、网格、楼栋"));
    assert!(refused("a\nb\nc\nd\ne\nf\ng\n").starts_with("line 1: the columns 社区"));
    assert!(refused(b"\xFF\xFE\x3E\x79".to_vec()).contains("UTF-16"));
    assert!(refused(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec()).contains("password"));
    assert!(refused(b"PK\x03\x04 not a zip".to_vec()).starts_with("the workbook cannot be opened"));
    assert!(refused(vec![0xFF; 300]).contains("neither in UTF-8 nor in GB18030"));
}

#[test]
fn too_much_is_refused_saying_how_much() -> Result<()> {
    let wide = vec!["列"; 5000].join(",");
    assert!(refused(wide).starts_with("line 1 has 5000 columns and at most 200 are taken"));
    let quote = format!("{HEADER}\n\"{}", format!("{GOOD}\n").repeat(200));
    assert!(refused(quote).contains("is a quotation mark not closed?"));
    let three = format!("{HEADER}\n{GOOD}\n{GOOD}\n{GOOD}\n");
    let rows = read_with(three.clone().into(), Limits { rows: 2, ..Limits::default() });
    assert!(matches!(rows, Err(SurveyError::Source(SourceError::TooManyRows { most: 2 }))));
    assert!(read_with(three.clone().into(), Limits { rows: 3, ..Limits::default() }).is_ok());
    let size = read_with(three.into(), Limits { file_bytes: 20, ..Limits::default() });
    assert!(matches!(size, Err(SurveyError::Source(SourceError::FileTooLarge { most: 20, .. }))));
    let long = "张".repeat(10_001);
    assert_eq!(complaints("张清秀", &long)?, ["name: too_long"]);
    Ok(())
}

/// A workbook with one sheet; `rows` is the XML of its rows.
fn workbook(rows: &str, properties: &str) -> Result<Vec<u8>> {
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let book = format!(
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">{properties}<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let root = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let relations = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [
        ("_rels/.rels", root),
        ("xl/workbook.xml", book.as_str()),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/worksheets/sheet1.xml", sheet.as_str()),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(content.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

fn sheet_row(line: usize, cells: &str, numbers: &[usize]) -> String {
    let cells = cells.split(',').enumerate().map(|(at, text)| {
        if numbers.contains(&at) {
            format!("<c><v>{text}</v></c>")
        } else {
            format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#)
        }
    });
    format!(r#"<row r="{line}">{}</row>"#, cells.collect::<String>())
}

#[test]
fn numbers_in_a_workbook_are_read_without_an_exponent() -> Result<()> {
    // Grid and phone kept as numbers, the birth date as the serial of a cell without a format.
    let row = GOOD.replace("1990-01-01", "32874");
    let rows = sheet_row(1, HEADER, &[]) + &sheet_row(3, &row, &[1, 8, 10]);
    let (survey, judged) = read(workbook(&rows, "")?)?;
    assert_eq!((survey.rows, survey.accepted), (1, 1), "{judged:?}");
    let row = judged[0].as_ref().map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    assert_eq!((row.line, row.area.to_string().as_str()), (3, "511903001008002"));
    Ok(())
}

#[test]
fn a_workbook_of_1904_counts_from_there() -> Result<()> {
    let rows = sheet_row(1, HEADER, &[]) + &sheet_row(2, &GOOD.replace("1990-01-01", "31412"), &[8]);
    let (survey, _) = read(workbook(&rows, r#"<workbookPr date1904="1"/>"#)?)?;
    assert_eq!(survey.accepted, 1);
    let (survey, _) = read(workbook(&rows, "")?)?;
    assert_eq!(survey.accepted, 0);
    Ok(())
}

#[test]
fn an_id_number_kept_as_a_number_has_lost_its_end() -> Result<()> {
    let rows = sheet_row(1, HEADER, &[]) + &sheet_row(2, GOOD, &[9]);
    let (_, judged) = read(workbook(&rows, "")?)?;
    let problem = &judged[0].as_ref().err().context("a refused row")?.problems[0];
    assert_eq!((problem.field, problem.reason.as_str()), ("national_id", "digits_lost"));
    Ok(())
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_opened() -> Result<()> {
    let bomb = workbook(&" ".repeat(8 << 20), "")?;
    assert!(bomb.len() < 100_000);
    assert!(refused(bomb.clone()).contains("a part grows more than 200 times"));
    let small = Limits { unpacked_bytes: 1 << 20, ..Limits::default() };
    let error = read_with(bomb.clone(), Limits { unpacked_ratio: u64::MAX, ..small }).map(drop);
    assert!(matches!(error, Err(SurveyError::Source(SourceError::ZipBomb { .. }))));
    Ok(())
}

#[test]
fn a_zip_directory_that_lies_is_found_out() -> Result<()> {
    let size: u32 = 8 << 20;
    let mut bomb = workbook(&" ".repeat(size as usize), "")?;
    // The directory says that the sheet is small; its bytes unpack to eight mebibytes all the same.
    let at = bomb.windows(4).rposition(|window| window == b"PK\x01\x02").context("a directory")?;
    bomb[at + 24..at + 28].copy_from_slice(&1000u32.to_le_bytes());
    let text = refused(bomb);
    assert!(text.starts_with("the workbook cannot be opened"), "{text}");
    Ok(())
}

#[test]
fn a_wide_sheet_is_refused() -> Result<()> {
    let rows = sheet_row(1, &vec!["列"; 300].join(","), &[]);
    assert!(refused(workbook(&rows, "")?).starts_with("line 1 has 201 columns and at most 200"));
    Ok(())
}

#[test]
fn truncated_and_garbled_workbooks_are_refused() -> Result<()> {
    let rows = sheet_row(1, HEADER, &[]) + &sheet_row(2, GOOD, &[]);
    let whole = workbook(&rows, "")?;
    for length in [4, 30, whole.len() / 2, whole.len() - 1] {
        assert!(refused(whole[..length].to_vec()).starts_with("the workbook cannot be opened"), "{length}");
    }
    let garbled = workbook("<row r=\"1\"><c", "")?;
    assert!(refused(garbled).starts_with("the workbook cannot be opened"));
    Ok(())
}
