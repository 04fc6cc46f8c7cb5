//! The value of a key, from its minting or import to the answer that shows it.
//!
//! Does not store or encrypt it. Invariant: a [`Secret`] cannot be copied, printed or serialised;
//! its bytes are wiped when it goes; and it is of the format that the filter reads.

use std::fmt;

use keytable::api_key::{BASE62, checksum};
use keytable::limits::{API_KEY_BYTES_MAX, API_KEY_CHECKSUM_CHARS, API_KEY_SECRET_CHARS_MIN};
use keytable::{KeyFormatError, KeyHash, PresentedKey};
use zeroize::Zeroizing;

use crate::domain::origin::Origin;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::secrets::strength::{self, STRENGTH_BITS_MIN};

/// Base62 characters of the random part: 238 bits.
const SECRET_CHARS: usize = API_KEY_SECRET_CHARS_MIN;
/// Longest prefix, in bytes.
const PREFIX_BYTES_MAX: usize = 32;
/// Random bytes drawn at a time.
const DRAW_BYTES: usize = 64;

const _: () =
    assert!(PREFIX_BYTES_MAX + 3 + SECRET_CHARS + API_KEY_CHECKSUM_CHARS <= API_KEY_BYTES_MAX);

/// The value of a key.
pub struct Secret {
    text: Zeroizing<String>,
    hash: KeyHash,
}

/// What all values of one kind begin with, such as `sk-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

/// Why a value is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Envoys would not even look it up.
    Format(KeyFormatError),
    /// It can be guessed: so many bits at most.
    Weak(u32),
}

/// The text is not a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixError;

impl Secret {
    /// Draws a new value from the operating system's random source.
    pub fn mint(prefix: &KeyPrefix) -> Result<Self, EntropyError> {
        let bytes = prefix.0.len() + SECRET_CHARS + API_KEY_CHECKSUM_CHARS;
        // Sized at once: a growing string would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(bytes));
        text.push_str(&prefix.0);
        while text.len() < prefix.0.len() + SECRET_CHARS {
            let missing = prefix.0.len() + SECRET_CHARS - text.len();
            let mut draw = Zeroizing::new([0; DRAW_BYTES]);
            entropy::fill(draw.as_mut_slice())?;
            text.extend(draw.iter().filter_map(base62_digit).take(missing));
        }
        let sum = checksum(text.as_bytes());
        text.extend(sum.iter().map(|digit| char::from(*digit)));
        let key = PresentedKey::parse(text.as_bytes()).map_err(|_| EntropyError)?;
        let hash = KeyHash::of(&key);
        Ok(Self { text, hash })
    }

    /// Takes over a value that was made elsewhere: of the format that the filter reads, and not
    /// to be guessed.
    pub fn import(text: &str) -> Result<Self, ImportError> {
        let secret = Self::presented(text).map_err(ImportError::Format)?;
        let random_end = text.len().saturating_sub(API_KEY_CHECKSUM_CHARS);
        let body = text.get(..random_end).unwrap_or_default();
        let random_part = body.rsplit('-').next().unwrap_or_default();
        let bits = strength::bits(random_part.as_bytes());
        if bits < STRENGTH_BITS_MIN {
            return Err(ImportError::Weak(bits));
        }
        Ok(secret)
    }

    /// Reads a value as somebody presents it: of the format that the filter reads, of any strength.
    pub fn presented(text: &str) -> Result<Self, KeyFormatError> {
        let key = PresentedKey::parse(text.as_bytes())?;
        Ok(Self {
            hash: KeyHash::of(&key),
            text: Zeroizing::new(text.into()),
        })
    }

    /// The value itself, to be sealed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identity of the value; gives nothing of it away.
    pub const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// What may be shown: the first 5 and the last 4 characters.
    pub fn mask(&self) -> String {
        let first = self.text.get(..5).unwrap_or_default();
        let last = self.text.len().saturating_sub(4);
        format!("{first}***{}", self.text.get(last..).unwrap_or_default())
    }

    /// The value itself, for the one answer that shows it.
    pub fn reveal(self) -> Zeroizing<String> {
        self.text
    }
}

/// A digit from six of the byte's bits. 62 and 63 are thrown away, so that all are equally likely.
fn base62_digit(byte: &u8) -> Option<char> {
    BASE62
        .get(usize::from(byte & 63))
        .map(|digit| char::from(*digit))
}

impl KeyPrefix {
    /// Reads a prefix: lower-case letters and digits in parts that each end in `-`, a letter first.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        let inner = text.strip_suffix('-').ok_or(PrefixError)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let parts_fit = inner
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(plain));
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if parts_fit && starts_well && text.len() <= PREFIX_BYTES_MAX {
            Ok(Self(text.into()))
        } else {
            Err(PrefixError)
        }
    }

    /// The prefix of keys where the installation has chosen none.
    pub fn standard() -> Self {
        Self("sk-".into())
    }

    /// The prefix of the tokens that scripts present to this sidecar.
    pub fn api_token() -> Self {
        Self("lkt-".into())
    }

    /// The prefix of what browsers present to this sidecar.
    pub fn session() -> Self {
        Self("lks-".into())
    }

    /// The prefix of the one-time secrets that set a password.
    pub fn setup() -> Self {
        Self("lku-".into())
    }

    /// The prefix of what signs calls of the cloud API.
    pub fn access_key() -> Self {
        Self("lka-".into())
    }

    /// The prefix of keys of one origin.
    pub fn of_origin(&self, origin: Origin) -> Self {
        Self(format!("{}{}", self.0, origin.prefix_part()))
    }
}

// === impl Secret ===

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

// === impl ImportError ===

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => write!(f, "cannot be taken over: {error}"),
            Self::Weak(bits) => write!(
                f,
                "can be guessed (about {bits} bits, {STRENGTH_BITS_MIN} are needed): make a new key"
            ),
        }
    }
}

impl std::error::Error for ImportError {}

// === impl PrefixError ===

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "must be at most {PREFIX_BYTES_MAX} lower-case letters, digits and '-', start with a \
             letter and end in '-': write for example sk-"
        )
    }
}

impl std::error::Error for PrefixError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn mint() -> Secret {
        Secret::mint(&KeyPrefix::parse("sk-").unwrap()).unwrap()
    }

    #[test]
    fn a_minted_value_has_the_format_that_the_filter_reads() {
        let secret = mint();
        let (hash, mask) = (secret.hash(), secret.mask());
        let text = secret.reveal();
        assert_eq!(text.len(), 3 + 40 + 6);
        assert!(text.starts_with("sk-"));
        assert_eq!(
            KeyHash::of(&PresentedKey::parse(text.as_bytes()).unwrap()),
            hash
        );
        assert_eq!(mask, format!("{}***{}", &text[..5], &text[45..]));
    }

    #[test]
    fn debug_shows_nothing_of_the_value() {
        assert_eq!(format!("{:?}", mint()), "Secret(..)");
    }

    /// The chi-square test of each place: with 61 degrees of freedom, a fair source goes beyond
    /// 150 once in some ten billion times.
    #[test]
    fn values_differ_and_each_place_has_every_digit_equally_often() {
        let count: u32 = 1_000_000;
        let mut places = [[0_u32; 256]; SECRET_CHARS];
        let mut hashes = HashSet::new();
        for _ in 0..count {
            let secret = mint();
            hashes.insert(*secret.hash().as_bytes());
            for (place, digit) in places.iter_mut().zip(secret.as_str().bytes().skip(3)) {
                place[usize::from(digit)] += 1;
            }
        }
        assert_eq!(hashes.len(), usize::try_from(count).unwrap());
        let wanted = f64::from(count) / 62.0;
        for (at, place) in places.iter().enumerate() {
            let deviation = |digit: &u8| f64::from(place[usize::from(*digit)]) - wanted;
            let terms = BASE62.iter().map(|digit| deviation(digit).powi(2) / wanted);
            let chi_square: f64 = terms.sum();
            assert!(chi_square < 150.0, "place {at}: {chi_square}");
        }
    }

    #[test]
    fn each_origin_has_its_prefix() {
        let prefix = KeyPrefix::parse("sk-").unwrap();
        let text = Secret::mint(&prefix.of_origin(Origin::TokenPlan))
            .unwrap()
            .reveal();
        assert!(text.starts_with("sk-tp-"));
        let text = Secret::mint(&prefix.of_origin(Origin::CodingPlan))
            .unwrap()
            .reveal();
        assert!(text.starts_with("sk-cp-"));
    }

    #[test]
    fn odd_prefixes_are_refused() {
        for text in [
            "",
            "-",
            "sk",
            "SK-",
            "s k-",
            "sk--",
            "1k-",
            "sk_-",
            &"a".repeat(33),
        ] {
            assert_eq!(KeyPrefix::parse(text), Err(PrefixError), "{text}");
        }
    }
}
