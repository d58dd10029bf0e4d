//! Arguments of a request, from its query and its form.

use linju_proto::incidents::v1::Answer;

use super::problem::Problem;
use crate::transcode::{Piece, decode};

/// More than any form has.
const MOST: usize = 500;
/// Who asks, as `GeoReport` names it.
pub(super) const KEY: &str = "api_key";

/// Names and values in the order in which they came.
#[derive(Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

/// What somebody reports goes into no log.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Reads both, the query first. A key counts in the form alone: addresses are kept in many logs on their way, and clients
    /// that send it with every query read what anybody may read.
    pub(super) fn read(query: &str, form: &str) -> Result<Self, Problem> {
        let mut read = Vec::new();
        let of_query = query.split('&').map(|pair| (pair, false));
        let all = of_query.chain(form.split('&').map(|pair| (pair, true)));
        for (pair, in_form) in all.filter(|(pair, _)| !pair.is_empty()) {
            if read.len() == MOST {
                return Err(Problem::bad(format!("there are more than {MOST} arguments")));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let not_utf8 = || Problem::bad("an argument is not UTF-8 escaped with percent signs");
            let name = decode(name, Piece::Query).ok_or_else(not_utf8)?;
            let value = decode(value, Piece::Query).ok_or_else(not_utf8)?;
            if value.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
                return Err(Problem::bad(format!("{} holds control characters: take them out", short(&name))));
            }
            if name != KEY || in_form {
                read.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(read))
    }

    /// The value of an argument that stands once; one that is empty is none. None where there is none.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let given = |(found, value): &&(String, String)| found == name && !value.is_empty();
        let mut found = self.0.iter().filter(given).map(|(_, value)| value.as_str());
        match found.next() {
            Some(value) if found.any(|other| other != value) => {
                Err(Problem::bad(format!("{name} was provided twice: send it once")))
            }
            first => Ok(first),
        }
    }

    /// The value of an argument that there must be.
    pub(super) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.one(name)?.ok_or_else(|| Problem::missing(name))
    }

    /// All values of an argument that are not empty.
    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The values of a list with commas.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, Problem> {
        let words = self.one(name)?.unwrap_or_default().split(',').map(str::trim);
        Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self, name: &str) -> Result<Option<i32>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| *number >= 1);
        number.map(Some).ok_or_else(|| Problem::bad(format!("{name} must be a whole number from 1 on")))
    }

    /// `attribute[code]=value` and, for several values, `attribute[code][]=value`. An empty value is no answer.
    pub(super) fn attributes(&self) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::new();
        for (name, value) in &self.0 {
            let code = name
                .strip_prefix("attribute[")
                .and_then(|rest| rest.strip_suffix("][]").or_else(|| rest.strip_suffix(']')));
            let Some(code) = code.filter(|_| !value.is_empty()) else { continue };
            match answers.iter_mut().find(|answer| answer.code == code) {
                Some(answer) => answer.values.push(value.clone()),
                None => answers.push(Answer { code: code.to_owned(), values: vec![value.clone()] }),
            }
        }
        answers
    }
}

fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(form: &str) -> Params {
        Params::read("jurisdiction_id=a", form).unwrap_or_default()
    }

    #[test]
    fn an_empty_argument_is_none_and_a_second_value_is_refused() {
        let params = params("lat=&long=1&long=2&x=3&x=3");
        assert_eq!((params.one("lat"), params.one("jurisdiction_id")), (Ok(None), Ok(Some("a"))));
        assert!(params.one("long").is_err() && params.one("x") == Ok(Some("3")));
        assert_eq!(params.required("lat"), Err(Problem::missing("lat")));
    }

    #[test]
    fn a_key_counts_in_the_form_alone() {
        let key = |query: &str, form: &str| {
            let params = Params::read(query, form).unwrap_or_default();
            params.one(KEY).ok().flatten().map(str::to_owned)
        };
        assert_eq!(key("api_key=a&api%5Fkey=b", "lat=1"), None);
        assert_eq!(key("api_key=a", "api_key=b").as_deref(), Some("b"));
    }

    #[test]
    fn attributes_have_one_value_or_several() {
        let params = params(
            "attribute[size]=large&attribute%5Bkind%5D%5B%5D=a&attribute[kind][]=b&attribute[none]=&attribute=x",
        );
        let found: Vec<_> = params.attributes().into_iter().map(|a| (a.code, a.values)).collect();
        let value = |text: &str| text.to_owned();
        assert_eq!(found, [(value("size"), vec![value("large")]), (value("kind"), vec![value("a"), value("b")])]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for wrong in ["a=%ff", "a=%", "description=%00", "description=a%1b[2J"] {
            assert!(Params::read("", wrong).is_err(), "{wrong}");
        }
        assert!(Params::read("", "description=a%0D%0Ab%09c").is_ok());
        assert!(Params::read(&"a&".repeat(501), "").is_err());
    }
}
