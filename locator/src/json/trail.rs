//! Where in a document the reader is: what a refusal says, and each name if somebody wants to know.
//!
//! Invariant: as deep as the containers that are read, whatever was skipped.

/// The members that lead to the value that comes next.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// One behind the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Trail {
    /// The value that comes next is this member, or element, of a container `depth` levels deep.
    pub(super) fn enter(&mut self, depth: usize, segment: &[u8]) {
        self.ends.truncate(depth);
        self.text
            .truncate(self.ends.last().copied().unwrap_or_default());
        self.text.extend_from_slice(segment);
        self.ends.push(self.text.len());
    }

    /// The last of the members that lead to a value below `depth` of them.
    pub(super) fn last(&self, depth: usize) -> &[u8] {
        self.segments(depth).last().unwrap_or_default()
    }

    /// As a pointer: `json:/tools/*/model`.
    pub(super) fn pointer(&self, depth: usize) -> String {
        let steps = self.segments(depth).map(String::from_utf8_lossy);
        steps.fold("json:".to_owned(), |path, step| path + "/" + &step)
    }

    /// As people write it: `tools[].model`. `None` for the whole body.
    pub(super) fn said(&self, depth: usize) -> Option<String> {
        let said = self.segments(depth).fold(String::new(), |said, step| {
            let step = String::from_utf8_lossy(step);
            match (&*step, said.is_empty()) {
                ("*", _) => said + "[]",
                (_, true) => step.into_owned(),
                _ => said + "." + &step,
            }
        });
        (depth > 0).then(|| format!("`{said}`"))
    }

    fn segments(&self, depth: usize) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        let ranges = begins.zip(&self.ends).take(depth);
        ranges.map(|(begin, end)| self.text.get(*begin..*end).unwrap_or_default())
    }
}
