//! Categories, in the contract's words and in ours.

use chassis::{Fault, data::etag};
use linju_proto::incidents::v1;

use super::{codes, codes::pairs, request::missing};
use crate::{
    Error,
    app::ShownCategory,
    domain::{
        CategoryCode,
        catalogue::{Answer, AnswerKind, Category, Choice, Details, Nearness, Question, Route, Span, TimePromise},
    },
};

pairs!(kind, kind_of, AnswerKind, AnswerKind {
    String = String,
    Number = Number,
    DateTime = Datetime,
    Text = Text,
    SingleValueList = Singlevaluelist,
    MultiValueList = Multivaluelist,
});

/// Reads a code; whether it is in the tree is the store's to say.
pub(crate) fn code(field: &'static str, text: &str) -> Result<CategoryCode, Error> {
    text.parse()
        .map_err(|e: crate::domain::NotACategory| Fault::field(field, "category", format!("is wrong: {e}")).into())
}

/// Empty is none.
pub(crate) fn code_or_none(field: &'static str, text: &str) -> Result<Option<CategoryCode>, Error> {
    (!text.is_empty()).then(|| code(field, text)).transpose()
}

pub(crate) fn answers(answers: Vec<v1::Answer>) -> Vec<Answer> {
    answers.into_iter().map(|v1::Answer { code, values }| Answer { code, values }).collect()
}

pub(crate) fn shown_answers(answers: Vec<Answer>) -> Vec<v1::Answer> {
    answers.into_iter().map(|Answer { code, values }| v1::Answer { code, values }).collect()
}

/// A category and the etag of the version it was made of. What follows from the code, and `retired`, is not read.
pub(crate) fn category(message: Option<v1::Category>) -> Result<(Category, String), Error> {
    let v1::Category {
        code: code_text,
        parent: _,
        zh,
        en,
        about_zh,
        about_en,
        units,
        promises,
        questions,
        duplicates,
        publishable,
        call_first,
        retired: _,
        group: _,
        etag,
    } = message.unwrap_or_default();
    let details = Details {
        zh,
        en,
        about_zh,
        about_en,
        units: units.into_iter().map(route).collect(),
        promises: promises.into_iter().map(promise).collect::<Result<_, _>>()?,
        questions: questions.into_iter().map(question).collect::<Result<_, _>>()?,
        duplicates: duplicates
            .map(|v1::Nearness { metres, days }| Nearness { metres: metres.unsigned_abs(), days: days.unsigned_abs() }),
        publishable,
        call_first,
    };
    Ok((Category { code: code("category.code", &code_text)?, position: 0, details, retired: false }, etag))
}

fn route(v1::Route { unit, area_code }: v1::Route) -> Route {
    Route { unit, area: Some(area_code).filter(|digits| !digits.is_empty()) }
}

fn promise(message: v1::TimePromise) -> Result<TimePromise, Error> {
    let v1::TimePromise { urgency, contact, resolve, from_report } = message;
    let span = |text: String| -> Result<Option<Span>, Error> {
        let read = (!text.is_empty()).then(|| text.parse::<Span>()).transpose();
        read.map_err(|e| Fault::field("category.promises", "span", format!("is wrong: {e}")).into())
    };
    Ok(TimePromise {
        urgency: codes::urgency_of(urgency),
        contact: span(contact)?,
        resolve: span(resolve)?,
        from_report,
    })
}

fn question(message: v1::Question) -> Result<Question, Error> {
    let v1::Question { code, kind, required, zh, en, values } = message;
    let values = values.into_iter().map(|v1::Choice { key, zh, en }| Choice { key, zh, en }).collect();
    let kind = kind_of(kind).ok_or_else(|| missing("category.questions.kind"))?;
    Ok(Question { code, kind, required, zh, en, values })
}

impl From<ShownCategory> for v1::Category {
    fn from(shown: ShownCategory) -> Self {
        let ShownCategory { category, is_group, version, of_office } = shown;
        let Category { code, position: _, details, retired } = category;
        let Details { zh, en, about_zh, about_en, units, promises, questions, duplicates, publishable, call_first } =
            details;
        let units = units.into_iter().filter(|_| of_office);
        let route = |Route { unit, area }| v1::Route { unit, area_code: area.unwrap_or_default() };
        let whole = |number| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            parent: code.parent().map(String::from).unwrap_or_default(),
            code: code.into(),
            zh,
            en,
            about_zh,
            about_en,
            units: units.map(route).collect(),
            promises: promises.iter().map(shown_promise).collect(),
            questions: questions.into_iter().map(shown_question).collect(),
            duplicates: duplicates
                .map(|Nearness { metres, days }| v1::Nearness { metres: whole(metres), days: whole(days) }),
            publishable,
            call_first,
            retired,
            group: is_group,
            etag: etag(version),
        }
    }
}

fn shown_promise(promise: &TimePromise) -> v1::TimePromise {
    let TimePromise { urgency, contact, resolve, from_report } = promise;
    let text = |span: &Option<Span>| span.as_ref().map(Span::to_string).unwrap_or_default();
    let urgency = codes::urgency(*urgency).into();
    v1::TimePromise { urgency, contact: text(contact), resolve: text(resolve), from_report: *from_report }
}

pub(super) fn shown_question(question: Question) -> v1::Question {
    let Question { code, kind: of, required, zh, en, values } = question;
    let values = values.into_iter().map(|Choice { key, zh, en }| v1::Choice { key, zh, en }).collect();
    v1::Question { code, kind: kind(of).into(), required, zh, en, values }
}
