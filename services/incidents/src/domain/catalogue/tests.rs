use super::*;

const DEFAULT: &str = include_str!("../../../data/categories_dengke.toml");

fn code(text: &str) -> CategoryCode {
    text.parse().expect("a code")
}

fn default_tree() -> Catalogue {
    Catalogue::new(read(DEFAULT).expect("the default tree is right"))
}

fn area(digits: &str) -> AreaCode {
    digits.parse().expect("an area")
}

#[test]
fn the_default_tree_is_whole() {
    let tree = default_tree();
    let groups = tree.all().iter().filter(|category| category.code.parent().is_none()).count();
    assert_eq!((tree.all().len(), groups), (62, 10));
    for category in tree.all() {
        if tree.is_group(&category.code) {
            assert!(matches!(tree.usable(&category.code), Err(Unusable::Group { .. })), "{}", category.code);
            continue;
        }
        let Category { details, .. } = tree.usable(&category.code).expect("in use");
        assert!(!details.routes(area("511903001008")).is_empty(), "{} has nobody", category.code);
        for urgency in Urgency::ALL {
            let promise = details.promise(*urgency).expect("something is promised");
            assert!(promise.contact.is_some() && promise.resolve.is_some(), "{} {urgency}", category.code);
        }
    }
}

#[test]
fn what_cannot_be_reported_says_what_can() {
    let mut categories = default_tree().all().to_vec();
    for category in &mut categories {
        category.retired = category.code == code("roads.sign");
    }
    let tree = Catalogue::new(categories);
    let told = |text: &str| tree.usable(&code(text)).expect_err("it cannot be used").to_string();
    let texts = ["roads.potato", "potato", "roads", "roads.sign"].map(told);
    insta::assert_snapshot!(texts.join("\n"));
    assert!(tree.resolved(&code("roads.sign")).is_some());
}

#[test]
fn the_nearest_unit_goes_first() {
    let route = |unit: &str, area: Option<&str>| Route { unit: unit.to_owned(), area: area.map(str::to_owned) };
    let units = vec![
        route("city", None),
        route("subdistrict", Some("511903001")),
        route("community", Some("511903001008")),
        route("elsewhere", Some("511903001009")),
        route("second", Some("511903001008")),
    ];
    let details = Details { units, ..Details::default() };
    assert_eq!(details.routes(area("511903001008002")), ["community", "second", "subdistrict", "city"]);
    assert_eq!(details.routes(area("511903002001")), ["city"]);
}

#[test]
fn a_file_is_told_by_line_what_is_wrong() {
    let file = r#"
[[category]]
code = "roads"
zh = "道路"
en = ""

[[category]]
code = "roads.surface"
zh = "路面"
en = "Surface"
promises = [{}, { contact = "2h" }]
questions = [{ code = "size", kind = "singlevaluelist", zh = "多大", en = "How large" }]
duplicates = { metres = 0, days = 3 }
call_first = ["12"]
units = [{ unit = "roads", area = "5119" }]

[[category]]
code = "Roads.Lamp"
zh = "灯"
en = "Lamp"

[[category]]
code = "water.leak"
zh = "漏水"
en = "Leak"

[[category]]
code = "roads"
zh = "道路"
en = "Roads"
"#;
    let problems: Vec<_> = read(file).expect_err("much is wrong").iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"));
    for text in ["", "[[category]]\ncode = \"a\"\nzh = \"a\"\nen = \"a\"\nunit = \"x\"", "category = 3", "[[category]]"]
    {
        let problems = read(text).expect_err("this is no file of categories");
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    }
}

mod answers {
    use super::*;

    fn question(code: &str, kind: AnswerKind, required: bool) -> Question {
        let values = match kind {
            AnswerKind::SingleValueList | AnswerKind::MultiValueList => {
                ["yes", "no"].map(|key| Choice { key: key.to_owned(), zh: key.to_owned(), en: key.to_owned() }).to_vec()
            }
            _ => Vec::new(),
        };
        Question { code: code.to_owned(), kind, required, zh: "问".to_owned(), en: "Q".to_owned(), values }
    }

    fn answer(code: &str, values: &[&str]) -> Answer {
        Answer { code: code.to_owned(), values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    #[test]
    fn each_kind_takes_its_own() {
        let long = "长".repeat(501);
        let cases: &[(AnswerKind, &[&str], bool)] = &[
            (AnswerKind::String, &["三楼"], true),
            (AnswerKind::String, &[" "], false),
            (AnswerKind::String, &["a\nb"], false),
            (AnswerKind::String, &[&long], false),
            (AnswerKind::String, &["a", "b"], false),
            (AnswerKind::Text, &[&long], true),
            (AnswerKind::Number, &["2.5"], true),
            (AnswerKind::Number, &["-3"], true),
            (AnswerKind::Number, &["NaN"], false),
            (AnswerKind::Number, &["三"], false),
            (AnswerKind::DateTime, &["2026-11-23T09:00:00+08:00"], true),
            (AnswerKind::DateTime, &["2026-11-23"], false),
            (AnswerKind::SingleValueList, &["yes"], true),
            (AnswerKind::SingleValueList, &["maybe"], false),
            (AnswerKind::SingleValueList, &["yes", "no"], false),
            (AnswerKind::MultiValueList, &["yes", "no"], true),
            (AnswerKind::MultiValueList, &["yes", "yes"], false),
        ];
        for (kind, values, right) in cases {
            let asked = [question("q", *kind, true)];
            let checked = check_answers(&asked, &[answer("q", values)], Stage::Report);
            assert_eq!(checked.is_ok(), *right, "{kind} {values:?}: {checked:?}");
        }
    }

    #[test]
    fn what_must_be_answered_is_told() {
        let asked = [question("floor", AnswerKind::String, true), question("more", AnswerKind::Text, false)];
        let unknown = [answer("floor", &[])];
        for (stage, none, said_unknown) in
            [(Stage::Report, false, false), (Stage::Triage, false, true), (Stage::Emergency, true, true)]
        {
            assert_eq!(check_answers(&asked, &[], stage).is_ok(), none, "{stage:?}");
            assert_eq!(check_answers(&asked, &unknown, stage).is_ok(), said_unknown, "{stage:?}");
            assert!(check_answers(&asked, &[answer("floor", &["3"])], stage).is_ok());
            assert!(check_answers(&asked, &[answer("roof", &["3"])], stage).is_err());
            let twice = [answer("floor", &["3"]), answer("floor", &["4"])];
            assert!(check_answers(&asked, &twice, stage).is_err());
        }
        assert!(!format!("{:?}", answer("floor", &["王阿姨家"])).contains('王'), "answers go into no log");
    }
}
