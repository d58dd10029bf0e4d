//! The statements that a service really sends, read from Postgres' own log, so that pgbench is always given the same ones.

use anyhow::{Context as _, Result};

/// One executed statement with the text of its parameters; none is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// With `$1`, `$2` … as sent.
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Option<String>>,
}

impl Statement {
    /// The SQL with every `$n` replaced by what `of` makes of the parameter and its number.
    pub(crate) fn with(&self, mut of: impl FnMut(usize, Option<&str>) -> String) -> Result<String> {
        let mut text = String::new();
        let mut rest = self.sql.as_str();
        while let Some(at) = rest.find('$') {
            text.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let number: usize = after[..end].parse().context("a $ that is no parameter")?;
            let parameter =
                self.parameters.get(number - 1).context("a statement with fewer parameters than it names")?;
            text.push_str(&of(number, parameter.as_deref()));
            rest = &after[end..];
        }
        text.push_str(rest);
        Ok(text)
    }
}

/// The statements in a log of `log_statement = 'all'` of which some parameter holds `value`, in order.
pub(crate) fn statements(log: &str, value: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut sql = None;
    for line in log.lines() {
        if let Some((_, executed)) = line.split_once("LOG:  execute ") {
            sql = executed.split_once(": ").map(|(_, sql)| sql.to_owned());
        } else if let Some((_, list)) = line.split_once("DETAIL:  ")
            && let Some((name, list)) = list.split_once(": ")
            && name.eq_ignore_ascii_case("parameters")
        {
            let parameters = parameters(list);
            if let Some(sql) = sql.take().filter(|_| parameters.iter().flatten().any(|p| p.contains(value))) {
                found.push(Statement { sql, parameters });
            }
        }
    }
    found
}

/// `$1 = 'it''s', $2 = NULL`
fn parameters(list: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = list;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            found.push(None);
            rest = value;
            continue;
        };
        let (mut text, mut characters) = (String::new(), quoted.char_indices().peekable());
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                text.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        found.push(Some(text));
        rest = &quoted[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Statement, parameters, statements};

    #[test]
    fn parameters_are_read_with_their_quotes_and_nulls() {
        let list = "$1 = 'a = b', $2 = NULL, $3 = 'it''s, $4 = 5', $4 = ''";
        let read: Vec<_> = parameters(list);
        let expected = [Some("a = b"), None, Some("it's, $4 = 5"), Some("")];
        assert_eq!(read.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_the_statements_about_a_value_are_taken() {
        let log = "2026 LOG:  execute sqlx_s_1: SELECT a FROM t WHERE id = $1\n2026 DETAIL:  parameters: $1 = 'x1'\n\
                   2026 LOG:  execute sqlx_s_2: SELECT b\n2026 DETAIL:  Parameters: $1 = 'y'\n";
        let found = statements(log, "x1");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sql, "SELECT a FROM t WHERE id = $1");
    }

    #[test]
    fn every_parameter_is_replaced_by_its_number() -> anyhow::Result<()> {
        let parameters = (1..=11).map(|n| Some(n.to_string())).collect();
        let statement = Statement { sql: "VALUES ($1, $11, $2)".to_owned(), parameters };
        assert_eq!(statement.with(|n, value| format!("{n}={}", value.unwrap_or("-")))?, "VALUES (1=1, 11=11, 2=2)");
        Ok(())
    }
}
