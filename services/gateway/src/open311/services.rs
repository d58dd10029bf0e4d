//! Services: the categories that can be reported publicly, and their questions.

use linju_proto::incidents::v1::{AnswerKind, PublishedCategory, Question, Wording};

use super::{
    document::{Document, Value},
    settings::Language,
};

impl Language {
    /// The words in this language.
    pub(super) fn of(self, words: Option<Wording>) -> String {
        let Wording { zh, en } = words.unwrap_or_default();
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }

    fn call_first(self, numbers: &[String]) -> String {
        match (numbers, self) {
            ([], _) => String::new(),
            (numbers, Self::Zh) => format!("紧急情况请先拨打{}。", numbers.join("、")),
            (numbers, Self::En) => format!("In an emergency call {} first.", numbers.join(", ")),
        }
    }
}

/// The list of services.
pub(super) fn services(categories: Vec<PublishedCategory>, language: Language) -> Document {
    let services = categories.into_iter().map(|category| service(category, language)).collect();
    Document { root: "services", value: Value::List("service", services) }
}

fn service(category: PublishedCategory, language: Language) -> Value {
    let PublishedCategory { code, name, about, group, call_first, questions } = category;
    let description = [language.call_first(&call_first), language.of(about)];
    let description: Vec<_> = description.into_iter().filter(|text| !text.is_empty()).collect();
    let mut keywords = vec![language.other().of(name.clone())];
    keywords.extend(group.clone().map(|group| language.other().of(Some(group))));
    Value::Fields(vec![
        ("service_code", Value::text(code)),
        ("service_name", Value::text(language.of(name))),
        ("description", Value::text(description.join(" "))),
        ("metadata", Value::Flag(!questions.is_empty())),
        ("type", Value::text("realtime")),
        // A comma would part one keyword in two.
        ("keywords", Value::text(keywords.iter().map(|word| word.replace(',', "")).collect::<Vec<_>>().join(","))),
        ("group", Value::text(language.of(group))),
    ])
}

/// What is asked about one service.
pub(super) fn definition(category: PublishedCategory, language: Language) -> Document {
    let PublishedCategory { code, questions, .. } = category;
    let attributes = (1..).zip(questions).map(|(order, question)| attribute(order, question, language));
    let fields =
        vec![("service_code", Value::text(code)), ("attributes", Value::List("attribute", attributes.collect()))];
    Document { root: "service_definition", value: Value::Fields(fields) }
}

fn attribute(order: i64, question: Question, language: Language) -> Value {
    let kind = question.kind();
    let Question { code, kind: _, required, zh, en, values } = question;
    let wording = |zh, en| language.of(Some(Wording { zh, en }));
    let mut fields = vec![
        ("variable", Value::Flag(true)),
        ("code", Value::text(code)),
        ("datatype", Value::text(datatype(kind))),
        ("required", Value::Flag(required)),
        ("datatype_description", Value::Null),
        ("order", Value::Whole(order)),
        ("description", Value::text(wording(zh, en))),
    ];
    if !values.is_empty() {
        let values = values.into_iter().map(|value| {
            Value::Fields(vec![("key", Value::text(value.key)), ("name", Value::text(wording(value.zh, value.en)))])
        });
        fields.push(("values", Value::List("value", values.collect())));
    }
    Value::Fields(fields)
}

fn datatype(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Unspecified | AnswerKind::String => "string",
        AnswerKind::Number => "number",
        AnswerKind::Datetime => "datetime",
        AnswerKind::Text => "text",
        AnswerKind::Singlevaluelist => "singlevaluelist",
        AnswerKind::Multivaluelist => "multivaluelist",
    }
}

#[cfg(test)]
mod tests {
    use linju_proto::incidents::v1::Choice;

    use super::{super::document::Format, *};

    fn gas() -> PublishedCategory {
        let words = |zh: &str, en: &str| Some(Wording { zh: zh.to_owned(), en: en.to_owned() });
        let choice = |key: &str| Choice { key: key.to_owned(), zh: format!("{key}是"), en: key.to_owned() };
        let question = |code: &str, kind: AnswerKind, values| Question {
            code: code.to_owned(),
            kind: kind.into(),
            required: code == "smell",
            zh: "能闻到吗？".to_owned(),
            en: "Can it be smelled?".to_owned(),
            values,
        };
        PublishedCategory {
            code: "utilities.gas".to_owned(),
            name: words("燃气", "Gas, smell"),
            about: words("开窗", "Open windows"),
            group: words("水电气", "Utilities"),
            call_first: vec!["119".to_owned()],
            questions: vec![
                question("smell", AnswerKind::Singlevaluelist, vec![choice("yes"), choice("no")]),
                question("meter", AnswerKind::String, Vec::new()),
            ],
        }
    }

    #[test]
    fn a_category_reads_as_a_service() {
        let list = services(vec![gas()], Language::Zh).write(Format::Xml);
        let definition = definition(gas(), Language::En).write(Format::Xml);
        insta::assert_snapshot!(format!("{list}{definition}").replace("><", ">\n<"));
    }

    #[test]
    fn flags_are_flags_in_json() {
        let read = |document: Document| -> serde_json::Value {
            serde_json::from_str(&document.write(Format::Json)).unwrap_or_default()
        };
        let (list, definition) = (read(services(vec![gas()], Language::En)), read(definition(gas(), Language::En)));
        assert!(list.is_array() && definition.is_object());
        assert_eq!((&list[0]["metadata"], &list[0]["service_code"]), (&true.into(), &"utilities.gas".into()));
        let attribute = &definition["attributes"][0];
        assert_eq!((&attribute["required"], &attribute["order"]), (&true.into(), &1.into()));
        assert_eq!(attribute["values"][1], serde_json::json!({ "key": "no", "name": "no" }));
    }
}
