//! Which names choose a model, wherever they stand, and below which names nothing chooses.
//!
//! Names of JSON members, of form fields and of query parameters alike. The words, and what is
//! opaque, are text (`default.json`). Does not read bodies.
//!
//! Invariant: a name is compared as the most lenient reader could take it: without case, `-`, `_`
//! and other marks, and with every character beyond ASCII that stands for Latin letters.

use std::collections::BTreeMap;

use keytable::scope::name_is_sound;
use serde::Deserialize;

/// What a chooser may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChooserKind {
    /// Texts, and lists of them, are names; objects are searched.
    Name,
    /// The same, but an object has to be an element of a list with a `model` of its own.
    Chain,
    /// The same, but objects and numbers are refused: weights by their place or number.
    Weight,
    /// Nothing but `null` and `false`: it stands for what cannot be seen.
    Ref,
}

/// The words that choose, as they are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoosersText {
    /// Anywhere in a name.
    contains: BTreeMap<String, ChooserKind>,
    /// A word of a name, or how it begins.
    word: BTreeMap<String, ChooserKind>,
    /// The whole name.
    exact: BTreeMap<String, ChooserKind>,
    /// The whole name, of a member of the body itself.
    root: BTreeMap<String, ChooserKind>,
}

/// What is opaque, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpaqueText {
    /// Members below which nothing chooses, wherever they stand.
    names: Vec<String>,
    /// The same, but not as members of the body itself.
    below_root: Vec<String>,
    /// Members that hold a JSON Schema.
    holders: Vec<String>,
    /// Members of a JSON Schema that hold the caller's own names and values.
    keywords: Vec<String>,
    /// Ends of pointers that may never be opaque: a server makes requests of what stands there.
    pub(crate) never: Vec<String>,
}

/// Both, compiled.
#[derive(Debug)]
pub struct Choosers {
    words: Vec<Word>,
    opaque: OpaqueText,
}

/// What a name says where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Nothing below it chooses.
    Opaque,
    /// It chooses.
    Chooser(ChooserKind),
    /// It holds a JSON Schema.
    Schema,
    /// Nothing; what is below it is searched.
    Plain,
}

#[derive(Debug)]
struct Word {
    text: Box<[u8]>,
    /// One bit for each of its letters: a name without them is none of its names.
    letters: u32,
    kind: ChooserKind,
    place: Place,
}

/// Where a word has to stand in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Word,
    Whole,
    WholeInRoot,
}

/// A character as the most lenient reader takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folded {
    /// This letter or digit.
    Letter(u8),
    /// One to three letters.
    Letters,
    /// Nothing.
    Mark,
}

/// Set in a name's letters if it is not ASCII, so that letters do not tell.
const BEYOND_ASCII: u32 = 1 << 31;

/// Characters whose compatibility form (NFKC) or folded case holds Latin letters, from and to.
const COMPATIBLE: [(char, char); 26] = [
    ('\u{aa}', '\u{aa}'),
    ('\u{ba}', '\u{ba}'),
    ('\u{df}', '\u{df}'),
    ('\u{132}', '\u{133}'),
    ('\u{13f}', '\u{140}'),
    ('\u{149}', '\u{149}'),
    ('\u{1c4}', '\u{1cc}'),
    ('\u{1f0}', '\u{1f3}'),
    ('\u{2b0}', '\u{2b8}'),
    ('\u{2e0}', '\u{2e4}'),
    ('\u{1d2c}', '\u{1dbf}'),
    ('\u{1e96}', '\u{1e9b}'),
    ('\u{1e9e}', '\u{1e9e}'),
    ('\u{2071}', '\u{209c}'),
    ('\u{20a8}', '\u{20a8}'),
    ('\u{2100}', '\u{218b}'),
    ('\u{2460}', '\u{24ff}'),
    ('\u{2c7c}', '\u{2c7d}'),
    ('\u{3200}', '\u{33ff}'),
    ('\u{a69c}', '\u{a69d}'),
    ('\u{a7f1}', '\u{a7f9}'),
    ('\u{ab5c}', '\u{ab69}'),
    ('\u{fb00}', '\u{fb06}'),
    ('\u{10780}', '\u{107ba}'),
    ('\u{1d400}', '\u{1d7ff}'),
    ('\u{1f100}', '\u{1f1ff}'),
];

/// What an object holds that stands where a name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Members of its own, as `model_config`: they are searched.
    Members,
    /// Texts that are names, as `model` and `deployment_id`.
    Texts,
    /// The same, and its members' own names are names, as in `models` and `model_weights`.
    Keys,
}

/// The words of choosers whose objects may say what is run.
const ONE: [&str; 4] = ["model", "deployment", "variant", "engine"];
/// The same of several.
const MANY: [&str; 4] = ["models", "deployments", "variants", "engines"];
/// Ends of a chooser's name behind the word that says what it holds.
const ENDS: [&str; 12] = [
    "", "id", "ids", "name", "names", "uid", "slug", "ref", "arn", "path", "uri", "key",
];

/// The same of an object that says something of each of several.
const MAPS: [&str; 9] = [
    "alias",
    "aliases",
    "map",
    "mapping",
    "mappings",
    "override",
    "overrides",
    "weight",
    "weights",
];

impl Choosers {
    pub(crate) fn new(words: &ChoosersText, opaque: OpaqueText) -> Self {
        let places = [
            (&words.contains, Place::Anywhere),
            (&words.word, Place::Word),
            (&words.exact, Place::Whole),
            (&words.root, Place::WholeInRoot),
        ];
        let words = places.into_iter().flat_map(|(words, place)| {
            words.iter().map(move |(text, kind)| Word {
                text: text.as_bytes().into(),
                letters: letters(text.as_bytes()),
                kind: *kind,
                place,
            })
        });
        Self {
            words: words.collect(),
            opaque,
        }
    }

    /// What a member's name says; `in_schema`: some member above holds a JSON Schema.
    pub(crate) fn sense(&self, name: &[u8], is_root: bool, in_schema: bool) -> Sense {
        let OpaqueText {
            names,
            below_root,
            holders,
            keywords,
            ..
        } = &self.opaque;
        let is_one = |known: &[String]| known.iter().any(|known| known.as_bytes() == name);
        if is_one(names) || (!is_root && is_one(below_root)) || (in_schema && is_one(keywords)) {
            return Sense::Opaque;
        }
        match self.kind(name, is_root) {
            Some(kind) => Sense::Chooser(kind),
            None if is_one(holders) => Sense::Schema,
            None => Sense::Plain,
        }
    }

    /// What a name that leads through steps says, as `svg[model]` of a form.
    pub(crate) fn sense_of_steps<'a>(&self, steps: impl Iterator<Item = &'a str>) -> Sense {
        let mut in_schema = false;
        for (index, step) in steps.enumerate() {
            match self.sense(step.as_bytes(), index == 0, in_schema) {
                Sense::Schema => in_schema = true,
                Sense::Plain => {}
                sense @ (Sense::Opaque | Sense::Chooser(_)) => return sense,
            }
        }
        Sense::Plain
    }

    /// The strictest kind of the words that a name holds.
    fn kind(&self, name: &[u8], is_root: bool) -> Option<ChooserKind> {
        let letters = letters(name);
        let may_be =
            |word: &&Word| letters & BEYOND_ASCII != 0 || letters & word.letters == word.letters;
        let found = self.words.iter().filter(may_be);
        found
            .filter(|word| word.is_in(name, is_root))
            .map(|word| word.kind)
            .max()
    }
}

impl Word {
    fn is_in(&self, name: &[u8], is_root: bool) -> bool {
        let text = String::from_utf8_lossy(name);
        match self.place {
            Place::Anywhere => accepts(&self.text, &text, false, false),
            Place::Whole => accepts(&self.text, &text, true, true),
            Place::WholeInRoot => is_root && accepts(&self.text, &text, true, true),
            Place::Word => {
                let plural = [&*self.text, b"s"].concat();
                accepts(&self.text, &text, true, false)
                    || accepts(&plural, &text, false, true)
                    || match text.is_ascii() {
                        true => has_word(name, &self.text),
                        false => accepts(&self.text, &text, false, false),
                    }
            }
        }
    }
}

impl Holds {
    /// What it holds below a chooser of this name.
    pub(crate) fn of(name: &[u8]) -> Self {
        let text = String::from_utf8_lossy(name);
        let mut squashed = String::new();
        for c in text.chars().map(fold) {
            match c {
                Folded::Letter(letter) => squashed.push(char::from(letter)),
                Folded::Letters => return Self::Keys,
                Folded::Mark => {}
            }
        }
        let ends_with = |ends: &[&str], words: &[&str]| {
            let rests = ends.iter().filter_map(|end| squashed.strip_suffix(end));
            rests
                .into_iter()
                .any(|rest| words.iter().any(|word| rest.ends_with(word)))
        };
        if ends_with(&[""], &MANY) || ends_with(&MAPS, &ONE) || ends_with(&MAPS, &MANY) {
            Self::Keys
        } else if ends_with(&ENDS, &ONE) || ends_with(&ENDS, &MANY) {
            Self::Texts
        } else {
            Self::Members
        }
    }

    /// The same for the objects of a list, whose members say what each of them is.
    pub(crate) fn in_list(self) -> Self {
        match self {
            Self::Members => Self::Members,
            Self::Texts | Self::Keys => Self::Texts,
        }
    }
}

/// The same number for all spellings of one name.
pub(crate) fn spelling_hash(name: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(name);
    let folded = text.chars().filter_map(|c| match fold(c) {
        Folded::Letter(letter) => Some(u32::from(letter)),
        Folded::Letters => Some(u32::from(c)),
        Folded::Mark => None,
    });
    folded.fold(0xcbf2_9ce4_8422_2325, |hash, code| {
        (hash ^ u64::from(code)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// One bit for each Latin letter that a name has.
fn letters(name: &[u8]) -> u32 {
    name.iter().fold(0, |mask, byte| {
        mask | match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'A'..=b'Z' => 1 << (byte - b'A'),
            0x80.. => BEYOND_ASCII,
            _ => 0,
        }
    })
}

fn fold(c: char) -> Folded {
    let full_width = |first: char, letter: u8| {
        let offset = u32::from(c) - u32::from(first);
        u8::try_from(offset).map_or(Folded::Letters, |offset| Folded::Letter(letter + offset))
    };
    match c {
        'a'..='z' | '0'..='9' | 'A'..='Z' => {
            u8::try_from(c).map_or(Folded::Mark, |c| Folded::Letter(c.to_ascii_lowercase()))
        }
        _ if c.is_ascii() => Folded::Mark,
        '\u{17f}' => Folded::Letter(b's'),
        '\u{212a}' => Folded::Letter(b'k'),
        '\u{130}' | '\u{131}' => Folded::Letter(b'i'),
        '\u{ff10}'..='\u{ff19}' => full_width('\u{ff10}', b'0'),
        '\u{ff21}'..='\u{ff3a}' => full_width('\u{ff21}', b'a'),
        '\u{ff41}'..='\u{ff5a}' => full_width('\u{ff41}', b'a'),
        _ if COMPATIBLE
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&c)) =>
        {
            Folded::Letters
        }
        _ => Folded::Mark,
    }
}

/// Whether a word is in a name, or begins or ends it. All ways of reading the name at once: one bit
/// of a mask for each number of the word's letters that may have been read.
fn accepts(word: &[u8], name: &str, begins: bool, ends: bool) -> bool {
    let whole = 1u32.checked_shl(u32::try_from(word.len()).unwrap_or(u32::MAX));
    let whole = whole.unwrap_or_default();
    let mut read = 1;
    for c in name.chars() {
        let mut next = match fold(c) {
            Folded::Mark => continue,
            Folded::Letters => (read << 1) | (read << 2) | (read << 3),
            Folded::Letter(letter) => {
                let fits = |(at, known): (usize, &u8)| {
                    u32::from(*known == letter && read >> at & 1 == 1) << (at + 1)
                };
                word.iter()
                    .enumerate()
                    .map(fits)
                    .fold(0, |all, one| all | one)
            }
        };
        if !begins {
            next |= 1;
        }
        if !ends && next & whole != 0 {
            return true;
        }
        read = next;
    }
    read & whole != 0
}

/// Whether an ASCII name has this as a word of its own: between marks, digits, or where camel case
/// begins one.
fn has_word(name: &[u8], word: &[u8]) -> bool {
    let begins = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| name.get(at));
        let is_capital = name.get(at).is_some_and(u8::is_ascii_uppercase);
        match before {
            Some(before) if before.is_ascii_uppercase() => {
                is_capital && name.get(at + 1).is_some_and(u8::is_ascii_lowercase)
            }
            Some(before) if before.is_ascii_lowercase() => is_capital,
            _ => true,
        }
    };
    let ends = |at: usize| match name.get(at) {
        Some(b's' | b'S') => !name.get(at + 1).is_some_and(u8::is_ascii_lowercase),
        Some(after) => !after.is_ascii_lowercase(),
        None => true,
    };
    name.windows(word.len()).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(word) && begins(at) && ends(at + word.len())
    })
}

/// The members that a parameter's or a field's name leads through: `svg[model]` or `svg.model` are
/// two.
pub(crate) fn steps(name: &str) -> impl Iterator<Item = &str> {
    let trimmed = |c: char| c.is_whitespace() || "'\"`".contains(c) || is_invisible(c);
    name.split(['[', ']', '.'])
        .map(move |step| step.trim_matches(trimmed))
        .filter(|step| !step.is_empty())
}

/// Whether a character alone is no sound name, as is one that does not show.
fn is_invisible(c: char) -> bool {
    !name_is_sound(c.encode_utf8(&mut [0; 4]))
}
