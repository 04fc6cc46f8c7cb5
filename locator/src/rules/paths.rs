//! Path templates, compiled into a tree of segments that finds the first matching rule.
//!
//! A template is matched against the raw path, whole and anchored: no regular expression, no
//! suffix match, no allocation for a request. Does not know what a rule does.
//!
//! Invariant: of all templates that match a path, the one that was added first wins.

use super::template::{Call, Segment, Template};

/// The templates of all rules.
#[derive(Debug)]
pub(super) struct Paths {
    templates: Vec<Template>,
    nodes: Vec<Node>,
}

/// Texts, each with the node or template that it leads to.
type Branches = Vec<(Box<[u8]>, usize)>;

/// A position in a path: what may follow.
#[derive(Debug, Default)]
struct Node {
    /// Literal next segments.
    literals: Branches,
    /// Next segments of any text that ends with this.
    params: Branches,
    /// Templates whose rest of one or more segments starts here and ends with this.
    rests: Branches,
    /// Templates that end here.
    ends: Vec<usize>,
}

impl Paths {
    /// A tree of these templates; earlier ones win.
    pub(super) fn new(templates: Vec<Template>) -> Self {
        let mut paths = Self {
            templates: Vec::new(),
            nodes: vec![Node::default()],
        };
        for (index, template) in templates.iter().enumerate() {
            paths.insert(index, template);
        }
        paths.templates = templates;
        paths
    }

    /// The first template that matches.
    pub(super) fn find(&self, call: Call<'_>) -> Option<&Template> {
        let rest = call.path.strip_prefix(b"/")?;
        let best = self.descend(0, Some(rest), call)?;
        self.templates.get(best)
    }

    fn insert(&mut self, index: usize, template: &Template) {
        let mut at = 0;
        for segment in &template.segments {
            at = match segment {
                Segment::Literal(text) => self.child(at, text, |node| &mut node.literals),
                Segment::Param { suffix, .. } => self.child(at, suffix, |node| &mut node.params),
                Segment::Rest { tail, .. } => {
                    if let Some(node) = self.nodes.get_mut(at) {
                        node.rests.push((tail.clone(), index));
                    }
                    return;
                }
            };
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push(index);
        }
    }

    fn child(&mut self, at: usize, text: &[u8], children: fn(&mut Node) -> &mut Branches) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let list = children(node);
        if let Some((_, child)) = list.iter().find(|(known, _)| **known == *text) {
            return *child;
        }
        list.push((text.into(), next));
        self.nodes.push(Node::default());
        next
    }

    /// The lowest index that matches from this node on. As deep as the longest template.
    fn descend(&self, at: usize, rest: Option<&[u8]>, call: Call<'_>) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some(rest) = rest else {
            return self.first(node.ends.iter().copied(), call);
        };
        let here = node.rests.iter().filter(|(tail, _)| {
            rest.strip_suffix(&**tail)
                .is_some_and(|captured| !captured.is_empty())
        });
        let mut best = self.first(here.map(|(_, index)| *index), call);
        let (segment, after) = split_segment(rest);
        let literal = node.literals.iter().filter(|(text, _)| **text == *segment);
        let param = node.params.iter().filter(|(suffix, _)| {
            segment
                .strip_suffix(&**suffix)
                .is_some_and(|captured| !captured.is_empty())
        });
        for (_, child) in literal.chain(param) {
            let found = self.descend(*child, after, call);
            best = [best, found].into_iter().flatten().min();
        }
        best
    }

    fn first(&self, indexes: impl Iterator<Item = usize>, call: Call<'_>) -> Option<usize> {
        indexes
            .filter(|index| self.templates.get(*index).is_some_and(|t| t.allows(call)))
            .min()
    }
}

/// The first segment, and what is behind its slash.
fn split_segment(rest: &[u8]) -> (&[u8], Option<&[u8]>) {
    match rest.iter().position(|byte| *byte == b'/') {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
        None => (rest, None),
    }
}
