//! What was found, as Markdown.

use crate::stats::Spread;

/// What a figure is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

#[derive(Debug)]
struct Row {
    measure: String,
    target: String,
    reached: String,
    verdict: &'static str,
}

/// Facts and rows, gathered by the measures.
#[derive(Debug, Default)]
pub(crate) struct Table {
    facts: Vec<(String, String)>,
    rows: Vec<Row>,
}

impl Table {
    /// A fact of the machine, without which no figure means anything.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    /// A figure with a target; `reached` is how it is shown.
    pub(crate) fn held(&mut self, measure: &str, target: (Target, &str), median: Spread, reached: String) {
        let (target, told) = target;
        let verdict = if target.is_met(median.median) { "reached" } else { "**missed**" };
        self.rows.push(Row { measure: measure.to_owned(), target: told.to_owned(), reached, verdict });
    }

    /// A figure that is only shown.
    pub(crate) fn shown(&mut self, measure: &str, reached: impl Into<String>) {
        let reached = reached.into();
        self.rows.push(Row { measure: measure.to_owned(), target: "–".to_owned(), reached, verdict: "" });
    }

    /// A measure of which no figure counts, and why.
    pub(crate) fn void(&mut self, measure: &str, why: &str) {
        self.rows.push(Row {
            measure: measure.to_owned(),
            target: "–".to_owned(),
            reached: why.replace('\n', " "),
            verdict: "**void**",
        });
    }

    /// The whole of it.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| Machine | |\n|---|---|\n");
        for (name, value) in &self.facts {
            text.extend(["| ", name, " | ", value, " |\n"]);
        }
        text.push_str("\n| Measure | Target | Reached: median [min–max] | Verdict |\n|---|---|---|---|\n");
        for Row { measure, target, reached, verdict } in &self.rows {
            text.extend(["| ", measure, " | ", target, " | ", reached, " | ", verdict, " |\n"]);
        }
        text
    }
}
