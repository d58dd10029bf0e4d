//! Path templates as `google.api.http` writes them: `/v1/{name=areas/*/grids/**}:verb`.

/// A template, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
    /// What follows the last colon.
    pub(crate) verb: Option<String>,
    pub(crate) variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: what is left of the path, perhaps nothing.
    Rest,
}

/// A request field that takes its value from the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Names from the request down, with dots between.
    pub(crate) field: String,
    /// The segments it covers, the last excluded.
    pub(crate) from: usize,
    pub(crate) until: usize,
}

/// Why a template cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    #[error("it does not begin with a slash")]
    NoSlash,
    #[error("it has an empty segment")]
    EmptySegment,
    #[error("its braces do not match")]
    Braces,
    #[error("it names no field in a pair of braces")]
    NoField,
    #[error("`**` is not its last segment")]
    RestNotLast,
    #[error("the verb after the colon is empty")]
    EmptyVerb,
}

impl Template {
    /// Takes a template apart.
    pub(crate) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let path = text.strip_prefix('/').ok_or(BadTemplate::NoSlash)?;
        let (path, verb) = split_verb(path);
        if verb == Some("") {
            return Err(BadTemplate::EmptyVerb);
        }
        let mut template = Self { segments: Vec::new(), verb: verb.map(str::to_owned), variables: Vec::new() };
        for part in split_outside_braces(path)? {
            template.part(part)?;
        }
        let rest = template.segments.iter().position(|segment| *segment == Segment::Rest);
        if rest.is_some_and(|at| at + 1 != template.segments.len()) {
            return Err(BadTemplate::RestNotLast);
        }
        Ok(template)
    }

    /// A segment, or a variable with all of its segments.
    fn part(&mut self, part: &str) -> Result<(), BadTemplate> {
        let Some(inner) = part.strip_prefix('{') else { return self.segment(part) };
        let inner = inner.strip_suffix('}').ok_or(BadTemplate::Braces)?;
        let (field, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
        if field.is_empty() {
            return Err(BadTemplate::NoField);
        }
        let from = self.segments.len();
        for segment in pattern.split('/') {
            self.segment(segment)?;
        }
        self.variables.push(Variable { field: field.to_owned(), from, until: self.segments.len() });
        Ok(())
    }

    fn segment(&mut self, text: &str) -> Result<(), BadTemplate> {
        self.segments.push(match text {
            "" => return Err(BadTemplate::EmptySegment),
            "*" => Segment::One,
            "**" => Segment::Rest,
            text if text.contains(['{', '}']) => return Err(BadTemplate::Braces),
            text => Segment::Literal(text.to_owned()),
        });
        Ok(())
    }

    /// Whether a variable covers more than one segment, so that a slash within a segment must stay told from one between.
    pub(crate) fn is_many(&self, variable: &Variable) -> bool {
        variable.until - variable.from > 1 || self.segments[variable.from] == Segment::Rest
    }
}

/// Splits the verb off. A colon within a segment is none.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    let last = path.rfind(['/', '}']).map_or(0, |at| at + 1);
    match path[last..].rfind(':') {
        Some(colon) => (&path[..last + colon], Some(&path[last + colon + 1..])),
        None => (path, None),
    }
}

/// The parts between slashes, of which those in braces do not count.
fn split_outside_braces(path: &str) -> Result<Vec<&str>, BadTemplate> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in path.char_indices() {
        match c {
            '{' if inside => return Err(BadTemplate::Braces),
            '}' if !inside => return Err(BadTemplate::Braces),
            '{' => inside = true,
            '}' => inside = false,
            '/' if !inside => {
                parts.push(&path[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err(BadTemplate::Braces);
    }
    parts.push(&path[start..]);
    Ok(parts)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn literal(text: &str) -> Segment {
        Segment::Literal(text.to_owned())
    }

    #[test]
    fn a_template_is_taken_apart() {
        let template = Template::parse("/v1/{name=areas/*/grids/**}:close").unwrap();
        let segments = vec![literal("v1"), literal("areas"), Segment::One, literal("grids"), Segment::Rest];
        assert_eq!(template.segments, segments);
        assert_eq!(template.verb.as_deref(), Some("close"));
        assert_eq!(template.variables, [Variable { field: "name".to_owned(), from: 1, until: 5 }]);
        assert!(template.is_many(&template.variables[0]));
    }

    #[test]
    fn a_plain_variable_is_one_segment() {
        let template = Template::parse("/v1/residents/{resident.id}").unwrap();
        assert_eq!(template.segments, [literal("v1"), literal("residents"), Segment::One]);
        assert_eq!(template.variables, [Variable { field: "resident.id".to_owned(), from: 2, until: 3 }]);
        assert!(!template.is_many(&template.variables[0]));
        assert_eq!(template.verb, None);
    }

    #[test]
    fn a_verb_may_follow_a_literal() {
        let template = Template::parse("/v1/residents:search").unwrap();
        assert_eq!(template.segments, [literal("v1"), literal("residents")]);
        assert_eq!(template.verb.as_deref(), Some("search"));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, why) in [
            ("v1", BadTemplate::NoSlash),
            ("/v1//x", BadTemplate::EmptySegment),
            ("/v1/{a", BadTemplate::Braces),
            ("/v1/a}", BadTemplate::Braces),
            ("/v1/{{a}}", BadTemplate::Braces),
            ("/v1/x{a}", BadTemplate::Braces),
            ("/v1/{=x/*}", BadTemplate::NoField),
            ("/v1/{a=**}/x", BadTemplate::RestNotLast),
            ("/v1/x:", BadTemplate::EmptyVerb),
        ] {
            assert_eq!(Template::parse(text), Err(why), "{text}");
        }
    }
}
