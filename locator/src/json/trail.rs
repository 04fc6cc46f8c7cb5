//! Where in a document the reader is, for those who want to say so.
//!
//! Invariant: as deep as the containers that are read, whatever was skipped.

/// The members that lead to the value that comes next.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<String>);

impl Trail {
    /// The value that comes next is this member, or element, of a container `depth` levels deep.
    pub(super) fn enter(&mut self, depth: usize, segment: &[u8]) {
        self.0.truncate(depth);
        self.0.push(String::from_utf8_lossy(segment).into_owned());
    }

    /// As a pointer: `json:/tools/*/model`.
    pub(super) fn pointer(&self) -> String {
        self.0
            .iter()
            .fold("json:".to_owned(), |path, segment| path + "/" + segment)
    }
}
