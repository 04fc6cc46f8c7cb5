//! The request's side of a cell: what it names.
//!
//! Does not say what is in scope. Invariant: `names` is `None` for an endpoint that cannot be
//! judged, and only for it.

/// What a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceCase {
    /// It cannot be said.
    Unlocated,
    /// These names.
    Named(&'static [&'static [u8]]),
}

impl ResourceCase {
    /// All of them: nothing, one name, several.
    pub const ALL: [Self; 26] = [
        Self::Unlocated,
        Self::Named(&[]),
        // Models: listed, not listed, and nearly listed.
        Self::Named(&[b"glm-5.1"]),
        Self::Named(&[b"glm-5"]),
        Self::Named(&[b"GLM-5.1"]),
        Self::Named(&[b"glm-5.1 "]),
        Self::Named(&[b""]),
        // Behind a prefix: plain, bare, and what another reader could take for something else.
        Self::Named(&[b"deepseek-v3.2"]),
        Self::Named(&[b"deepseek-"]),
        Self::Named(&[b"deepseek-v3/../glm"]),
        Self::Named(&[b"deepseek-v3//glm"]),
        Self::Named(&[b"deepseek-v3,glm"]),
        Self::Named(&[b"deepseek-\xff"]),
        // Services, likewise.
        Self::Named(&[b"ep-chat"]),
        Self::Named(&[b"ep-chat2"]),
        Self::Named(&[b"EP-chat"]),
        Self::Named(&[b"@team/search"]),
        Self::Named(&[b"@team/"]),
        Self::Named(&[b"@other/search"]),
        // Several: every one has to be in scope, and the first that is not is named.
        Self::Named(&[b"glm-5.1", b"glm-5.1"]),
        Self::Named(&[b"glm-5.1", b"deepseek-v3.2"]),
        Self::Named(&[b"glm-5.1", b"glm-5"]),
        Self::Named(&[b"glm-5", b"glm-5.1"]),
        Self::Named(&[b"glm-5.1", b"ep-chat"]),
        Self::Named(&[b"ep-chat", b"glm-5.1"]),
        Self::Named(&[b"deepseek-v3.2", b"@team/search", b"glm-5.1", b"ep-none"]),
    ];

    /// The names; `None` if it cannot be said.
    pub const fn names(self) -> Option<&'static [&'static [u8]]> {
        match self {
            Self::Unlocated => None,
            Self::Named(names) => Some(names),
        }
    }
}
