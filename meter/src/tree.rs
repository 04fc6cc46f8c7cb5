//! Pointers of one report as a tree of member names: where a scanner stands in it says what a value
//! there means.
//!
//! Knows no JSON syntax and keeps no state of an answer. Invariant: a [`NodeId`] that a tree gave is
//! one of its nodes; another one finds nothing.

/// Most pointers of one report together, and most different figures.
pub(crate) const SLOTS_MAX: usize = 24;
/// Most nodes of a tree: what a document's depth is followed by.
const NODES_MAX: usize = 256;
/// Longest member name that a pointer may have, and longest value that a mark may have, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 48;

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(u8);

/// What the values at a node are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A figure; those of one slot replace one another.
    Figure(Slot),
    /// A part of the text that was asked for.
    Text,
    /// Tokens are counted, and nothing is run.
    Counted,
    /// The bytes of another document, in base64.
    Base64,
}

/// One figure of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) index: u8,
    /// Its pointer has a `*`: what stands at it within one document is added up.
    pub(crate) adds: bool,
}

/// The tree.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    members: Vec<(Box<[u8]>, NodeId)>,
    elements: Option<NodeId>,
    meaning: Option<Meaning>,
    /// A string of one of these values there ends what is told.
    marks: Vec<Box<[u8]>>,
}

impl Tree {
    /// Where a document begins.
    pub(crate) const ROOT: NodeId = NodeId(0);

    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Adds what stands at a pointer.
    pub(crate) fn add(&mut self, pointer: &str, meaning: Meaning) -> Result<(), String> {
        let node = self.grow(pointer)?;
        match self.node_mut(node).map(|node| &mut node.meaning) {
            Some(place @ None) => *place = Some(meaning),
            Some(Some(same)) if *same == meaning => {}
            _ => return Err(format!("`{pointer}` is given two meanings")),
        }
        Ok(())
    }

    /// Adds a string that, at this pointer, ends what is told.
    pub(crate) fn add_mark(&mut self, pointer: &str, value: &str) -> Result<(), String> {
        if value.len() > NAME_BYTES_MAX {
            return Err(format!("`{value}` is longer than {NAME_BYTES_MAX} bytes"));
        }
        let node = self.grow(pointer)?;
        if let Some(node) = self.node_mut(node) {
            node.marks.push(value.as_bytes().into());
        }
        Ok(())
    }

    /// Where the member of an object leads.
    pub(crate) fn member(&self, node: NodeId, name: &[u8]) -> Option<NodeId> {
        let members = &self.node(node)?.members;
        let found = members.iter().find(|(known, _)| **known == *name)?;
        Some(found.1)
    }

    /// Where the elements of an array lead.
    pub(crate) fn element(&self, node: NodeId) -> Option<NodeId> {
        self.node(node)?.elements
    }

    pub(crate) fn meaning(&self, node: NodeId) -> Option<Meaning> {
        self.node(node)?.meaning
    }

    pub(crate) fn has_marks(&self, node: NodeId) -> bool {
        self.node(node).is_some_and(|node| !node.marks.is_empty())
    }

    pub(crate) fn is_mark(&self, node: NodeId, value: &[u8]) -> bool {
        let mut marks = self.node(node).into_iter().flat_map(|node| &node.marks);
        marks.any(|mark| **mark == *value)
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::from(id.0))
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(usize::from(id.0))
    }

    fn grow(&mut self, pointer: &str) -> Result<NodeId, String> {
        let rest = pointer
            .strip_prefix('/')
            .ok_or_else(|| format!("`{pointer}` is no pointer: it begins with `/`"))?;
        let mut at = Self::ROOT;
        for segment in rest.split('/') {
            at = self.child(at, segment)?;
        }
        Ok(at)
    }

    fn child(&mut self, parent: NodeId, segment: &str) -> Result<NodeId, String> {
        if segment.is_empty() || segment.len() > NAME_BYTES_MAX {
            return Err(format!(
                "a part of a pointer has 1 to {NAME_BYTES_MAX} bytes, `{segment}` has not"
            ));
        }
        let known = match segment {
            "*" => self.element(parent),
            name => self.member(parent, name.as_bytes()),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let too_many = || format!("more than {NODES_MAX} places in one report");
        let id = NodeId(u8::try_from(self.nodes.len()).map_err(|_| too_many())?);
        self.nodes.push(Node::default());
        if let Some(parent) = self.node_mut(parent) {
            match segment {
                "*" => parent.elements = Some(id),
                name => parent.members.push((name.as_bytes().into(), id)),
            }
        }
        Ok(id)
    }
}
