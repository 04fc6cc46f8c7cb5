//! What a gate tells the agent of the cells: that it lives, and which it touched.
//!
//! Layout, little-endian: magic `LKG1`, the gate's number (4 bytes), whether it is urgent (1), the cells (2
//! each). Does not hold figures: those are in the cells. Invariant: a message is read only whole.

const MAGIC: &[u8; 4] = b"LKG1";

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateNews {
    /// The number under which the gate holds.
    pub gate: u32,
    /// Whether the ledger should hear of it at once.
    pub is_urgent: bool,
    /// The cells that it touched.
    pub cells: Vec<u16>,
}

impl GateNews {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.gate.to_le_bytes());
        out.push(u8::from(self.is_urgent));
        out.extend(self.cells.iter().flat_map(|cell| cell.to_le_bytes()));
        out
    }

    /// Reads a message; `None` for other bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (gate, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        let (urgent, cells) = rest.split_first()?;
        let pairs = cells.chunks_exact(2);
        if *urgent > 1 || !pairs.remainder().is_empty() {
            return None;
        }
        let cells = pairs.filter_map(|pair| pair.first_chunk::<2>());
        Some(Self {
            gate: u32::from_le_bytes(*gate),
            is_urgent: *urgent == 1,
            cells: cells.map(|cell| u16::from_le_bytes(*cell)).collect(),
        })
    }
}
