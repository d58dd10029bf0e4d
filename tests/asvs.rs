//! The map of OWASP ASVS 5.0 in `docs/security/asvs.toml`: it is whole, what it names is there, and the guide shows it as it
//! is. `LINJU_WRITE_DOCS=1` writes the guide's tables anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::Deserialize;

const MAP: &str = "docs/security/asvs.toml";
const GUIDE: &str = "docs/guides/security.md";
/// What stands between these in the guide is made from the map.
const BEGIN: &str = "<!-- made from docs/security/asvs.toml -->\n";
const END: &str = "<!-- end -->\n";

/// The standard's sections (5.0.0), and the level of each requirement of a section, in their order. Levels 1 and 2 are
/// mapped.
#[rustfmt::skip]
const SECTIONS: [(&str, &str); 80] = [
    ("1.1", "22"), ("1.2", "1111122223"), ("1.3", "112222222223"), ("1.4", "222"), ("1.5", "123"),
    ("2.1", "122"), ("2.2", "112"), ("2.3", "12223"), ("2.4", "23"),
    ("3.1", "3"), ("3.2", "113"), ("3.3", "12223"), ("3.4", "11222233"), ("3.5", "11122333"), ("3.6", "3"),
    ("3.7", "22333"),
    ("4.1", "12233"), ("4.2", "23333"), ("4.3", "22"), ("4.4", "1222"),
    ("5.1", "2"), ("5.2", "112333"), ("5.3", "113"), ("5.4", "222"),
    ("6.1", "122"), ("6.2", "111111112222"), ("6.3", "11223333"), ("6.4", "112233"), ("6.5", "22222333"),
    ("6.6", "2223"), ("6.7", "33"), ("6.8", "2222"),
    ("7.1", "222"), ("7.2", "1111"), ("7.3", "22"), ("7.4", "11222"), ("7.5", "223"), ("7.6", "22"),
    ("8.1", "1233"), ("8.2", "1123"), ("8.3", "133"), ("8.4", "23"),
    ("9.1", "111"), ("9.2", "1222"),
    ("10.1", "22"), ("10.2", "223"), ("10.3", "22223"), ("10.4", "1111122222233333"), ("10.5", "22222"),
    ("10.6", "22"), ("10.7", "222"),
    ("11.1", "2233"), ("11.2", "22233"), ("11.3", "11233"), ("11.4", "1222"), ("11.5", "23"), ("11.6", "23"),
    ("11.7", "33"),
    ("12.1", "12233"), ("12.2", "11"), ("12.3", "22223"),
    ("13.1", "2333"), ("13.2", "222223"), ("13.3", "2233"), ("13.4", "1222233"),
    ("14.1", "22"), ("14.2", "12223333"), ("14.3", "122"),
    ("15.1", "12233"), ("15.2", "12233"), ("15.3", "1222222"), ("15.4", "3333"),
    ("16.1", "2"), ("16.2", "22222"), ("16.3", "2222"), ("16.4", "222"), ("16.5", "2223"),
    ("17.1", "23"), ("17.2", "22223333"), ("17.3", "22"),
];

/// What the chapters are about, in our words.
const CHAPTERS: [&str; 17] = [
    "encoding and injection",
    "validation and rules of the trade",
    "browsers",
    "HTTP and APIs",
    "files",
    "signing in",
    "sessions",
    "who may what",
    "signed tokens",
    "OAuth and OpenID Connect",
    "cryptography",
    "lines and TLS",
    "configuration and secrets",
    "data protection",
    "components and code",
    "logs and errors",
    "WebRTC",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// A test would fail if it did not hold.
    Test,
    /// It holds by how the code or the documents are.
    Code,
    /// It is done outside of the program.
    Operator,
    NotApplicable,
    /// It does not hold, or not wholly.
    Open,
}

impl State {
    const ALL: [Self; 5] = [Self::Test, Self::Code, Self::Operator, Self::NotApplicable, Self::Open];
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Map {
    /// Where the ids come from.
    source: String,
    requirement: Vec<Requirement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    id: String,
    level: u32,
    /// What it asks for, in our words.
    asks: String,
    state: State,
    /// `path::function`
    #[serde(default)]
    tests: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    why: String,
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn map() -> Result<Map> {
    Ok(toml::from_str(&fs::read_to_string(file(MAP))?)?)
}

/// Each requirement of levels 1 and 2, and its level.
fn wanted() -> BTreeMap<String, u32> {
    let of_section = |(section, levels): &(&str, &str)| {
        let numbered =
            levels.chars().zip(1..).filter_map(|(level, n)| Some((format!("{section}.{n}"), level.to_digit(10)?)));
        numbered.filter(|(_, level)| *level < 3).collect::<Vec<_>>()
    };
    SECTIONS.iter().flat_map(of_section).collect()
}

#[test]
fn the_map_has_every_requirement_once() -> Result<()> {
    let map = map()?;
    ensure!(map.source.contains("CC BY-SA 4.0"), "the standard's licence asks for its name");
    let mut mapped = BTreeMap::new();
    for requirement in &map.requirement {
        let before = mapped.insert(requirement.id.clone(), requirement.level);
        ensure!(before.is_none(), "{} stands twice", requirement.id);
    }
    let wanted = wanted();
    ensure!(wanted.len() == 253, "{}", wanted.len());
    assert_eq!(mapped, wanted);
    Ok(())
}

#[test]
fn what_the_map_names_is_there() -> Result<()> {
    let mut wrong = Vec::new();
    for requirement in map()?.requirement {
        let Requirement { id, level: _, asks, state, tests, files, why } = &requirement;
        let missing = match state {
            State::Test => tests.is_empty(),
            State::Code => files.is_empty(),
            State::Operator => files.is_empty() || why.is_empty(),
            State::NotApplicable | State::Open => why.is_empty(),
        };
        if missing || asks.is_empty() {
            wrong.push(format!("{id}: a row that is {state:?} says more"));
        }
        for path in files.iter().filter(|path| !file(path).is_file()) {
            wrong.push(format!("{id}: there is no file {path}"));
        }
        for test in tests.iter().filter(|test| !is_test(test)) {
            wrong.push(format!("{id}: there is no test {test}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Whether `path::function` is a function of that file that has a test's attribute.
fn is_test(name: &str) -> bool {
    let Some((path, function)) = name.split_once("::") else { return false };
    let text = fs::read_to_string(file(path)).unwrap_or_default();
    let Some((before, _)) = text.split_once(&format!("fn {function}(")) else { return false };
    let before = before.trim_end();
    let before = before.strip_suffix("async").unwrap_or(before).trim_end();
    let mut attributes = before.lines().rev().take_while(|line| line.trim_start().starts_with("#["));
    attributes.any(|line| line.contains("test"))
}

#[test]
fn the_guide_shows_the_map() -> Result<()> {
    let tables = format!("{}\n{}", chapters(&map()?)?, open(&map()?));
    let kept = fs::read_to_string(file(GUIDE))?;
    let (before, rest) = kept.split_once(BEGIN).context("the guide has a place for the tables")?;
    let (shown, after) = rest.split_once(END).context("the place has an end")?;
    if std::env::var_os("LINJU_WRITE_DOCS").is_some() {
        fs::write(file(GUIDE), format!("{before}{BEGIN}{tables}{END}{after}"))?;
        return Ok(());
    }
    ensure!(shown == tables, "{GUIDE} does not show {MAP}: run this test with LINJU_WRITE_DOCS=1 and look at it");
    Ok(())
}

/// One line a chapter: how many rows of each state.
fn chapters(map: &Map) -> Result<String> {
    let mut counts: BTreeMap<(usize, State), usize> = BTreeMap::new();
    for requirement in &map.requirement {
        let chapter = requirement.id.split('.').next().context("a chapter")?.parse()?;
        *counts.entry((chapter, requirement.state)).or_default() += 1;
    }
    let mut table =
        "| chapter | test | code | operator | not applicable | open | all |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    let line = |name: &str, numbers: [usize; 5]| {
        let cells: Vec<_> = numbers.iter().map(usize::to_string).collect();
        format!("| {name} | {} | {} |\n", cells.join(" | "), numbers.iter().sum::<usize>())
    };
    for (name, chapter) in CHAPTERS.iter().zip(1..) {
        let numbers = State::ALL.map(|state| counts.get(&(chapter, state)).copied().unwrap_or_default());
        table.push_str(&line(&format!("{chapter} {name}"), numbers));
    }
    let of_state = |state| map.requirement.iter().filter(|requirement| requirement.state == state).count();
    table.push_str(&line("all", State::ALL.map(of_state)));
    Ok(table)
}

/// The rows that are open.
fn open(map: &Map) -> String {
    let mut table = "| open | level | asks for | what is missing |\n|---|---|---|---|\n".to_owned();
    for Requirement { id, level, asks, why, .. } in map.requirement.iter().filter(|row| row.state == State::Open) {
        let _ = writeln!(table, "| {id} | {level} | {asks} | {why} |");
    }
    table
}

/// A browser follows links and loads pictures of other sites: what a GET can reach changes nothing (3.5.3).
#[test]
fn nothing_is_changed_by_get() -> Result<()> {
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS)?;
    let http = pool.get_extension_by_name("google.api.http").context("the option")?;
    let mut read = BTreeSet::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        let rule = options.get_extension(&http).into_owned();
        if rule.as_message().is_some_and(has_get) {
            let level = options.get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number());
            // google.protobuf.MethodOptions.NO_SIDE_EFFECTS
            ensure!(level == Some(1), "{} is a GET and may change something", method.full_name());
            read.insert(method.full_name().to_owned());
        }
    }
    ensure!(read.len() > 20, "{read:?}");
    Ok(())
}

fn has_get(rule: &DynamicMessage) -> bool {
    let more = rule.get_field_by_name("additional_bindings").map(std::borrow::Cow::into_owned);
    let more = more.as_ref().and_then(|more| more.as_list()).unwrap_or_default();
    rule.has_field_by_name("get") || more.iter().filter_map(|more| more.as_message()).any(has_get)
}
