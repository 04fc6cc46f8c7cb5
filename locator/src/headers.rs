//! All headers of a request in one buffer, as Envoy hands them over.
//!
//! Names and values are bytes: a client may send anything, and nothing here assumes UTF-8.
//! Invariant: every access is checked; a buffer that does not add up is no header map.

/// Header names and values in the order of the request.
#[derive(Debug, Default)]
pub struct HeaderMap {
    buffer: Vec<u8>,
    /// Start of the first name in the buffer.
    data: usize,
    count: usize,
}

/// Iterates over `(name, value)`.
#[derive(Debug)]
pub struct Iter<'a> {
    sizes: &'a [u8],
    data: &'a [u8],
}

impl HeaderMap {
    /// Reads Proxy-Wasm's serialised map: a count, all sizes, then all names and values, each
    /// ended by a zero byte. `None` if it does not add up.
    pub fn parse(buffer: Vec<u8>) -> Option<Self> {
        if buffer.is_empty() {
            return Some(Self::default());
        }
        let count = usize::try_from(u32::from_le_bytes(*buffer.first_chunk::<4>()?)).ok()?;
        let data = count.checked_mul(8)?.checked_add(4)?;
        let map = Self {
            buffer,
            data,
            count,
        };
        let sizes = map.buffer.get(4..data)?;
        let total = sizes.chunks_exact(4).try_fold(0usize, |total, size| {
            let size = u32::from_le_bytes(*size.first_chunk::<4>()?);
            total
                .checked_add(usize::try_from(size).ok()?)?
                .checked_add(1)
        })?;
        (total == map.buffer.len().checked_sub(data)?).then_some(map)
    }

    /// A map of these headers, serialised as Envoy would.
    pub fn from_pairs(pairs: &[(&[u8], &[u8])]) -> Self {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut buffer = u32::try_from(pairs.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes()
            .to_vec();
        for (name, value) in pairs {
            buffer.extend(length(name));
            buffer.extend(length(value));
        }
        let data = buffer.len();
        for (name, value) in pairs {
            buffer.extend_from_slice(name);
            buffer.push(0);
            buffer.extend_from_slice(value);
            buffer.push(0);
        }
        Self {
            buffer,
            data,
            count: pairs.len(),
        }
    }

    /// The serialised map.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// All headers in order.
    pub fn iter(&self) -> Iter<'_> {
        let sizes_end = self.count.saturating_mul(8).saturating_add(4);
        Iter {
            sizes: self.buffer.get(4..sizes_end).unwrap_or_default(),
            data: self.buffer.get(self.data..).unwrap_or_default(),
        }
    }

    /// The first value of a header; Envoy gives names in lower case.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The value of a header that stands at most once. `Err` if it is repeated.
    pub fn get_single(&self, name: &[u8]) -> Result<Option<&[u8]>, Repeated> {
        let mut values = self
            .iter()
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value);
        let first = values.next();
        if values.next().is_some() {
            Err(Repeated)
        } else {
            Ok(first)
        }
    }
}

/// A header that may stand once stands more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

// === impl Iter ===

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (sizes, rest) = self.sizes.split_first_chunk::<8>()?;
        self.sizes = rest;
        let (name_size, value_size) = sizes.split_at_checked(4)?;
        let name = take(&mut self.data, name_size)?;
        let value = take(&mut self.data, value_size)?;
        Some((name, value))
    }
}

/// Takes one zero-ended text of the given little-endian size off the front.
fn take<'a>(data: &mut &'a [u8], size: &[u8]) -> Option<&'a [u8]> {
    let size = usize::try_from(u32::from_le_bytes(*size.first_chunk::<4>()?)).ok()?;
    let (text, rest) = data.split_at_checked(size)?;
    let (_, rest) = rest.split_first()?;
    *data = rest;
    Some(text)
}
