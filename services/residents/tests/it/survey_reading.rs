//! The survey of Dengke in its three forms gives exactly the answers that were agreed for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use chassis::data::AreaCode;
use chrono::NaiveDate;
use linju_residents::survey::areas::KnownCommunities;
use linju_residents::survey::limits::Limits;
use linju_residents::survey::reader::{Judged, Survey, SurveyError, read_survey};
use linju_residents::survey::row::{RowRules, SurveyRow};
use linju_residents::survey::source::SurveyFile;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    rows: u64,
    rejected: usize,
    people: usize,
    updates: usize,
    households_written: usize,
    dirty: Vec<Dirty>,
}

#[derive(Deserialize)]
struct Dirty {
    line: u64,
    kind: String,
    expect: String,
    of_line: Option<u64>,
}

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

fn expected() -> Result<Expected> {
    Ok(serde_json::from_slice(&std::fs::read(data("survey_dengke.expected.json"))?)?)
}

/// The communities of Dengke subdistrict.
fn dengke() -> Result<KnownCommunities> {
    let mut communities = Vec::new();
    for row in csv::Reader::from_path(data("areas_enyang.csv"))?.records() {
        let row = row?;
        let code: AreaCode = row[0].parse()?;
        if code.to_string().starts_with("511903001") && &row[2] == "community" {
            communities.push((row[1].to_owned(), code));
        }
    }
    Ok(KnownCommunities::new(communities.iter().map(|(name, code)| (name.as_str(), *code))))
}

fn read(name: &str) -> Result<(Survey, Vec<Judged>)> {
    let known = dengke()?;
    let check_area = |community: &str, grid: Option<&AreaCode>| known.check(community, grid);
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).context("a day")?;
    let mut file = SurveyFile::open(&data(name), Limits::default())?;
    let mut judged = Vec::new();
    let survey = read_survey(&mut file, RowRules { today, check_area: &check_area }, |row| {
        judged.push(row);
        Ok::<_, SurveyError>(())
    })?;
    Ok((survey, judged))
}

/// `accept`, or `reject: ` and the fields complained of.
fn answer(judged: &Judged) -> (u64, String) {
    match judged {
        Ok(row) => (row.line, "accept".to_owned()),
        Err(refused) => {
            let fields: BTreeSet<_> = refused.problems.iter().map(|problem| problem.field).collect();
            (refused.line, format!("reject: {}", Vec::from_iter(fields).join(", ")))
        }
    }
}

fn reasons(judged: &Judged) -> Vec<&'static str> {
    judged
        .as_ref()
        .err()
        .map_or_else(Vec::new, |refused| refused.problems.iter().map(|it| it.reason.as_str()).collect())
}

fn expected_answers(lines: impl Iterator<Item = u64>, expected: &Expected) -> BTreeMap<u64, String> {
    let mut answers: BTreeMap<u64, String> = lines.map(|line| (line, "accept".to_owned())).collect();
    for dirty in expected.dirty.iter().filter(|dirty| dirty.expect.starts_with("reject: ")) {
        answers.entry(dirty.line).and_modify(|answer| answer.clone_from(&dirty.expect));
    }
    answers
}

#[test]
fn every_line_gets_the_agreed_answer() -> Result<()> {
    let expected = expected()?;
    let (survey, judged) = read("survey_dengke.csv")?;
    assert_eq!(survey.rows, expected.rows);
    assert_eq!(survey.ignored_columns, Vec::<String>::new());
    let answers: BTreeMap<u64, String> = judged.iter().map(answer).collect();
    let agreed = expected_answers(2..=expected.rows + 1, &expected);
    let wrong: Vec<_> = agreed.iter().filter(|(line, answer)| answers.get(line) != Some(answer)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(answers.len(), agreed.len());
    assert_eq!(judged.iter().filter(|row| row.is_err()).count(), expected.rejected);
    Ok(())
}

#[test]
fn the_sums_are_the_agreed_ones() -> Result<()> {
    let expected = expected()?;
    let (_, judged) = read("survey_dengke.csv")?;
    let accepted: Vec<&SurveyRow> = judged.iter().flatten().collect();
    let mut people = HashSet::new();
    let again: Vec<u64> =
        accepted.iter().filter(|row| !people.insert(row.national_id.clone())).map(|row| row.line).collect();
    assert_eq!(people.len(), expected.people);
    assert_eq!(again.len(), expected.updates);
    let updates = expected.dirty.iter().filter(|dirty| dirty.of_line.is_some());
    assert_eq!(again, updates.map(|dirty| dirty.line).collect::<Vec<_>>());
    // Each is the person of the line it names, at a later visit or one of the same day.
    let by_line: BTreeMap<u64, &SurveyRow> = accepted.iter().map(|row| (row.line, *row)).collect();
    for dirty in expected.dirty.iter().filter(|dirty| dirty.of_line.is_some()) {
        let earlier = by_line[&dirty.of_line.context("a line")?];
        let later = by_line[&dirty.line];
        assert_eq!(later.national_id, earlier.national_id);
        assert!(later.visited_on >= earlier.visited_on, "line {}", dirty.line);
    }
    Ok(())
}

/// The file names 4,766 households; of 30 of them the only row is refused.
#[test]
fn households_are_counted_with_those_whose_rows_were_refused() -> Result<()> {
    let expected = expected()?;
    let (_, judged) = read("survey_dengke.csv")?;
    let accepted: HashSet<&str> = judged.iter().flatten().map(|row| row.household_no.as_str()).collect();
    let refused = judged.iter().filter_map(|row| row.as_ref().err()).filter_map(|row| row.household_no.as_deref());
    let named: HashSet<&str> = accepted.iter().copied().chain(refused).collect();
    assert_eq!(named.len(), expected.households_written);
    assert_eq!(named.len() - accepted.len(), 30);
    Ok(())
}

#[test]
fn dirt_that_can_be_put_right_is() -> Result<()> {
    let expected = expected()?;
    let (_, judged) = read("survey_dengke.csv")?;
    let by_line: BTreeMap<u64, &SurveyRow> = judged.iter().flatten().map(|row| (row.line, row)).collect();
    let mut kinds = BTreeMap::new();
    for dirty in expected.dirty.iter().filter(|dirty| dirty.expect == "accept after normalising") {
        let row = by_line.get(&dirty.line).with_context(|| format!("line {}: {}", dirty.line, dirty.kind))?;
        let id = row.national_id.as_ref().context("an ID number")?;
        assert_eq!(id.birth_date(), row.birth_date);
        assert!(row.name.expose().chars().all(|c| !c.is_whitespace()));
        *kinds.entry(dirty.kind.as_str()).or_insert(0) += 1;
    }
    let agreed =
        ["chinese birth date", "excel serial birth date", "full-width digits in id", "spaces inside name and id"];
    assert_eq!(kinds, agreed.map(|kind| (kind, 30)).into());
    Ok(())
}

#[test]
fn the_other_forms_give_the_same_rows() -> Result<()> {
    let (_, full) = read("survey_dengke.csv")?;
    for name in ["survey_dengke_800.xlsx", "survey_dengke_800_gb18030.csv"] {
        let (survey, judged) = read(name)?;
        assert_eq!(survey.rows, 800, "{name}");
        for (row, same) in judged.iter().zip(&full) {
            assert_eq!(answer(row), answer(same), "{name}");
            assert_eq!(row.as_ref().ok(), same.as_ref().ok(), "{name}");
            assert_eq!(reasons(row), reasons(same), "{name}");
        }
    }
    Ok(())
}

#[test]
fn no_problem_shows_what_it_complains_of() -> Result<()> {
    let (_, judged) = read("survey_dengke.csv")?;
    let mut rows = csv::Reader::from_path(data("survey_dengke.csv"))?;
    let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>()?;
    for refused in judged.iter().filter_map(|row| row.as_ref().err()) {
        let row = &rows[usize::try_from(refused.line)? - 2];
        for problem in &refused.problems {
            let shown = [problem.masked.clone(), problem.message_zh(), problem.message_en()].concat();
            // Name, birth date, ID number, phone and tags.
            for personal in [8, 10, 11, 12, 15].map(|column| row[column].trim()) {
                assert!(personal.is_empty() || !shown.contains(personal), "line {}: {shown}", refused.line);
            }
        }
    }
    Ok(())
}
