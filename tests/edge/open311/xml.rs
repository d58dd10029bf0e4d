//! Elements as a client sees them.

use anyhow::{Context as _, Result, ensure};
use quick_xml::{Reader, events::Event};

/// One element.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) content: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// What stands in the child of this name; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.children.iter().find(|child| child.name == name).map_or("", |child| child.content.as_str())
    }

    /// The child of this name.
    pub(super) fn child(&self, name: &str) -> Self {
        self.children.iter().find(|child| child.name == name).cloned().unwrap_or_default()
    }
}

/// Reads a document without attributes and namespaces, which is all that Open311 has.
pub(super) fn read(text: &str) -> Result<Element> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event()?;
        match event {
            Event::Start(start) => {
                ensure!(start.attributes().next().is_none(), "an attribute: {text}");
                let name = start.name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(empty) => {
                let name = empty.name().as_ref().to_owned();
                open.last_mut().context("an open element")?.children.push(Element { name, ..Element::default() });
            }
            Event::Text(part) => open.last_mut().context("an open element")?.content += &part,
            Event::GeneralRef(reference) => {
                let within = &mut open.last_mut().context("an open element")?.content;
                match reference.resolve_char_ref()? {
                    Some(c) => within.push(c),
                    None => {
                        *within +=
                            quick_xml::escape::resolve_predefined_entity(&reference).context("a known entity")?;
                    }
                }
            }
            Event::End(_) => {
                let done = open.pop().context("an open element")?;
                open.last_mut().context("an outer element")?.children.push(done);
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => anyhow::bail!("no element, text or declaration: {other:?}"),
        }
    }
    let outer = open.pop().context("a document")?;
    ensure!(open.is_empty() && outer.children.len() == 1, "not one root: {text}");
    outer.children.into_iter().next().context("a root")
}
