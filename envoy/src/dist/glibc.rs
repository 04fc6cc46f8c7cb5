//! Which glibc a program needs: the newest version that its dynamic symbols name.
//!
//! Reads no ELF structure; the versions stand in it as text. Invariant: what is told is what the
//! loader will ask for, or more.

const PREFIX: &[u8] = b"GLIBC_";

/// Major and minor number; `None` for a program that needs none.
pub(super) fn needed(program: &[u8]) -> Option<(u32, u32)> {
    let after = |at: usize| program.get(at + PREFIX.len()..).unwrap_or_default();
    let starts = program.windows(PREFIX.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == PREFIX);
    starts.filter_map(|(at, _)| version(after(at))).max()
}

/// The version at the beginning of `2.34\0...`.
fn version(bytes: &[u8]) -> Option<(u32, u32)> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_needed() {
        let program = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0GLIBC_9";
        assert_eq!(needed(program), Some((2, 34)));
        assert_eq!(needed(b"nothing"), None);
    }
}
