//! Subjects: dotted names, and the patterns by which consumers choose among them, after the rules of NATS.

use super::{BusError, Event, Subscription};

/// `*` stands for one token, `>` at the end for one or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens: Vec<&str> = text.split('.').collect();
        for (i, token) in tokens.iter().enumerate() {
            let wild = matches!(*token, "*" | ">");
            if !wild && !is_token(token) {
                return Err(format!(
                    "`{text}` is no subject: its part `{token}` must be `*`, `>` or visible ASCII without `*` and `>`"
                ));
            }
            if *token == ">" && i + 1 < tokens.len() {
                return Err(format!("`{text}` is no subject: `>` may only stand at the end"));
            }
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn matches(&self, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for pattern in self.0.split('.') {
            let Some(token) = tokens.next() else { return false };
            match pattern {
                ">" => return true,
                "*" => {}
                literal if literal == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether some subject matches both. JetStream refuses a consumer with two such patterns.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.0.split('.'), other.0.split('.'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) | (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some(a), Some(b)) if a != b && a != "*" && b != "*" => return false,
                _ => {}
            }
        }
    }

    /// What every matching subject starts with, up to the first wildcard.
    pub(super) fn prefix(&self) -> &str {
        self.0.find(['*', '>']).map_or(self.0.as_str(), |end| &self.0[..end])
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The patterns of a subscription, whose name and patterns are good on either bus.
pub(super) fn patterns(subscription: &Subscription) -> Result<Vec<Pattern>, BusError> {
    let name = &subscription.name;
    let refuse = |why: String| BusError::Refused(format!("consumer `{name}`: {why}"));
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(refuse("a name has letters, digits and `-`".into()));
    }
    apart(&subscription.subjects).map_err(refuse)
}

/// The patterns of a reader without a name.
pub(super) fn tail_patterns(subjects: &[String]) -> Result<Vec<Pattern>, BusError> {
    apart(subjects).map_err(|why| BusError::Refused(format!("a tail: {why}")))
}

/// Patterns of which no two match the same subject.
fn apart(subjects: &[String]) -> Result<Vec<Pattern>, String> {
    if subjects.is_empty() {
        return Err("give it at least one subject".into());
    }
    let patterns: Vec<_> = subjects.iter().map(|s| Pattern::parse(s)).collect::<Result<_, _>>()?;
    if let Some(strange) = patterns.iter().find(|p| !p.as_str().starts_with("linju.")) {
        return Err(format!("`{}` must start with `linju.`", strange.as_str()));
    }
    for (i, one) in patterns.iter().enumerate() {
        if let Some(other) = patterns[..i].iter().find(|other| one.overlaps(other)) {
            return Err(format!("`{}` and `{}` overlap; keep the wider one", other.as_str(), one.as_str()));
        }
    }
    Ok(patterns)
}

/// Whether either bus can carry the event: its subject is `linju.<service>.v1.…`, its attributes fit in one header line.
pub(super) fn check(event: &Event) -> Result<(), BusError> {
    let refuse = |reason: String| Err(BusError::Unpublishable { id: event.id, reason });
    let tokens: Vec<&str> = event.subject.split('.').collect();
    if tokens.len() < 4 || tokens[0] != "linju" || tokens[2] != "v1" || !tokens.iter().all(|t| is_token(t)) {
        return refuse(format!(
            "its subject is `{}`; it must be `linju.<service>.v1.…` without wildcards",
            event.subject
        ));
    }
    let trace = event.trace.as_deref().unwrap_or("-");
    for (name, value) in [("type", event.kind.as_str()), ("source", &event.source), ("trace", trace)] {
        if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return refuse(format!("its {name} must be visible ASCII, at least one character"));
        }
    }
    Ok(())
}

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'*' | b'>'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matching() -> Result<(), String> {
        let cases = [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("a.*.c", "a.-.c", true),
            ("a.b", "a.bb", false),
            ("a.bb", "a.b", false),
        ];
        for (pattern, subject, expected) in cases {
            assert_eq!(Pattern::parse(pattern)?.matches(subject), expected, "{pattern} {subject}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_pattern() {
        for bad in ["", ".", "a.", ".a", "a..b", "a.>.b", "a b", "a*", "a.b>", "a.\n", "邻"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes() -> Result<(), String> {
        for (pattern, prefix) in [("a.b", "a.b"), ("a.*.b", "a."), (">", ""), ("a.b.>", "a.b.")] {
            assert_eq!(Pattern::parse(pattern)?.prefix(), prefix);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn two_patterns_of_one_subject_overlap(
            subject in prop::collection::vec("[ab]", 1..4),
            one in "[ab*]{1,3}>?", other in "[ab*]{1,3}>?",
        ) {
            let dotted = |s: &str| s.chars().map(String::from).collect::<Vec<_>>().join(".");
            let parse = |s: &str| Pattern::parse(&dotted(s)).map_err(TestCaseError::fail);
            let (one, other) = (parse(&one)?, parse(&other)?);
            let subject = subject.join(".");
            if one.matches(&subject) && other.matches(&subject) {
                prop_assert!(one.overlaps(&other));
                prop_assert!(subject.starts_with(one.prefix()));
            }
            prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
        }
    }
}
