//! Why an answer of the feed was not accepted, for the log and for the sidecar.
//!
//! Does not judge. Invariant: the sidecar is told a word of lower-case letters, digits and `_`.

use std::fmt;

use keytable::FrameError;

/// Why an answer was not accepted. The table stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The answer belongs to no request that is open.
    Unasked,
    /// No answer.
    Failed,
    /// An answer with another status than 200.
    Status(u16),
    /// An answer that says that it is of another request.
    Replayed,
    /// The body is not a whole frame.
    Frame(FrameError),
    /// A delta of another history.
    OtherEpoch,
    /// A delta that does not start where the table stands.
    Gap,
    /// A snapshot older than the table.
    Older,
    /// A delta while a snapshot is due.
    SnapshotDue,
    /// A page that does not follow the one before.
    PageOutOfTurn,
}

impl Rejection {
    /// What the sidecar is told of it.
    pub(super) fn word(self) -> String {
        let word = match self {
            Self::Unasked => "unasked",
            Self::Failed => "no_answer",
            Self::Status(status) => return format!("status_{status}"),
            Self::Replayed => "replayed",
            Self::Frame(_) => "frame",
            Self::OtherEpoch => "other_epoch",
            Self::Gap => "gap",
            Self::Older => "older",
            Self::SnapshotDue => "snapshot_due",
            Self::PageOutOfTurn => "page_out_of_turn",
        };
        word.to_owned()
    }
}

// === impl Rejection ===

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("an answer to no open request"),
            Self::Failed => f.write_str("no answer"),
            Self::Status(status) => write!(f, "an answer with status {status}"),
            Self::Replayed => f.write_str("an answer to another request: a proxy has kept it"),
            Self::Frame(error) => write!(f, "no valid frame: {error}"),
            Self::OtherEpoch => f.write_str("a delta of another epoch"),
            Self::Gap => f.write_str("a delta that does not start at this table's generation"),
            Self::Older => f.write_str("a snapshot older than this table"),
            Self::SnapshotDue => f.write_str("a delta where a snapshot is due"),
            Self::PageOutOfTurn => f.write_str("a snapshot page out of turn"),
        }
    }
}

impl std::error::Error for Rejection {}
