//! Finds the rule that a path and an HTTP method mean.

use std::collections::{BTreeSet, HashMap};

use http::Method;

use super::{
    rule::{BadContract, Rule},
    template::Segment,
};

/// A tree of segments.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
    rules: Vec<Rule>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    one: Option<Box<Node>>,
    /// Rules whose path may end here.
    ends: Vec<End>,
    /// Rules that take whatever follows.
    rest: Vec<End>,
}

#[derive(Debug)]
struct End {
    colon: Option<String>,
    verb: Option<Method>,
    rule: usize,
}

/// What a path and a method mean.
pub(crate) enum Found<'p> {
    /// The rule, by its number, and the path's segments as they came; the verb after the colon is cut off.
    Rule(usize, Vec<&'p str>),
    /// The path is known; these methods it takes.
    WrongMethod(String),
    Nothing,
}

impl Routes {
    /// The tree of these rules.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, BadContract> {
        let mut root = Node::default();
        for (index, rule) in rules.iter().enumerate() {
            let mut node = &mut root;
            let mut rest = false;
            for segment in &rule.template.segments {
                node = match segment {
                    Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                    Segment::One => node.one.get_or_insert_default(),
                    Segment::Rest => {
                        rest = true;
                        node
                    }
                };
            }
            let ends = if rest { &mut node.rest } else { &mut node.ends };
            let same = |end: &&End| end.colon == rule.template.verb && end.verb == rule.verb;
            if let Some(end) = ends.iter().find(same) {
                let (method, other) = (rule.full_name().to_owned(), rules[end.rule].full_name().to_owned());
                return Err(BadContract::Conflict { method, other });
            }
            ends.push(End { colon: rule.template.verb.clone(), verb: rule.verb.clone(), rule: index });
        }
        Ok(Self { root, rules })
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Looks a path up. HEAD means what GET means.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
        let mut segments: Vec<&str> = path.split('/').collect();
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut allowed = BTreeSet::new();
        // What follows the last colon is a verb where one is known, and else part of a value.
        let last = segments.len() - 1;
        if let Some((before, verb)) = segments[last].rsplit_once(':') {
            let whole = std::mem::replace(&mut segments[last], before);
            let mut search = Search { method, colon: Some(verb), allowed: &mut allowed };
            if let Some(rule) = search.below(&self.root, &segments) {
                return Found::Rule(rule, segments);
            }
            segments[last] = whole;
        }
        let mut search = Search { method, colon: None, allowed: &mut allowed };
        if let Some(rule) = search.below(&self.root, &segments) {
            return Found::Rule(rule, segments);
        }
        if allowed.is_empty() {
            return Found::Nothing;
        }
        if allowed.contains("GET") {
            allowed.insert("HEAD".to_owned());
        }
        Found::WrongMethod(allowed.into_iter().collect::<Vec<_>>().join(", "))
    }
}

struct Search<'a> {
    method: &'a Method,
    colon: Option<&'a str>,
    /// Methods of rules that the path alone would mean.
    allowed: &'a mut BTreeSet<String>,
}

impl Search<'_> {
    /// The literal before the star, the star before the rest.
    fn below(&mut self, node: &Node, segments: &[&str]) -> Option<usize> {
        let Some((first, after)) = segments.split_first() else {
            return self.among(&node.ends).or_else(|| self.among(&node.rest));
        };
        if let Some(found) = node.literals.get(*first).and_then(|node| self.below(node, after)) {
            return Some(found);
        }
        if !first.is_empty()
            && let Some(found) = node.one.as_deref().and_then(|node| self.below(node, after))
        {
            return Some(found);
        }
        self.among(&node.rest)
    }

    fn among(&mut self, ends: &[End]) -> Option<usize> {
        for end in ends.iter().filter(|end| end.colon.as_deref() == self.colon) {
            match &end.verb {
                Some(verb) if verb != self.method => {
                    self.allowed.insert(verb.to_string());
                }
                _ => return Some(end.rule),
            }
        }
        None
    }
}
