//! Reads the resources that a `multipart/form-data` body names, as the body streams by.
//!
//! Keeps a state, not the body. Stricter than any server's parser: preamble, bare line feeds, odd
//! headers, nested parts and repeated or look-alike fields are refused, since parsers disagree
//! about each of them. Does not decide whether a name is in scope.
//!
//! Invariant: after `finish` gave `Ok`, every part was seen and every field of the rule was read
//! once; the outcome does not depend on how the body was cut into chunks.

mod boundary;
mod error;
mod part;
#[cfg(test)]
mod tests;
mod undeclared;

use std::rc::Rc;

use crate::chooser::{ChooserKind, Choosers, Sense, steps};
use crate::json::{JsonError, JsonReader, Pattern};
use crate::mention::Mention;
pub use error::FormError;

use boundary::boundary;
use keytable::scope::name_is_sound;
use part::Part;
use undeclared::{Look, look_at};

/// Longest head of one part.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Most fields of one reader: they are bits of a `u64`.
pub const FIELDS_MAX: usize = 64;
/// Longest value of a field that names a resource.
const VALUE_BYTES_MAX: usize = keytable::limits::SCOPE_ENTRY_BYTES_MAX;

/// A reader in the middle of a form.
#[derive(Debug)]
pub struct FormReader {
    fields: Rc<[FormField]>,
    choosers: Option<Rc<Choosers>>,
    /// Fields that hold texts, whatever those read like.
    texts: Rc<[String]>,
    /// Each name says where it stands.
    has_places: bool,
    /// One bit for each field that was seen.
    seen: u64,
    /// `\r\n--boundary`.
    delimiter: Box<[u8]>,
    /// How much of the delimiter the last bytes are, as if their line end were a whole one.
    matched: usize,
    /// What their line end is.
    line_end: LineEnd,
    state: State,
    head: Vec<u8>,
    /// The name of the part that is read.
    part: String,
    sink: Sink,
    names: Vec<Mention>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter, which has no line end before it.
    Start,
    /// Behind a delimiter; with the byte that was seen of what ends its line.
    Delimited(Option<u8>),
    /// In the head of a part.
    Head,
    /// In the content of a part.
    Content,
    /// Behind the last delimiter, where nothing but line ends may follow; with how many bytes of the last one were
    /// seen.
    End(u8),
}

/// What stands before something like a delimiter. Some readers take each of them for a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Whole,
    LineFeed,
    CarriageReturn,
    /// The head's end: nothing stands between.
    Head,
}

/// Where the content of a part goes.
#[derive(Debug)]
enum Sink {
    /// It names nothing.
    Nowhere,
    /// It is a name.
    Name(Value),
    /// It is JSON that names resources.
    Json(Box<JsonReader>),
    /// No rule declares it, and nothing but blanks was seen, or a list's beginning.
    Undeclared { in_list: bool },
    /// No rule declares it, and it is JSON: read as if it were the member of a body.
    Member(Box<JsonReader>),
}

/// The content of a field that is a name.
#[derive(Debug)]
struct Value {
    bytes: Vec<u8>,
    /// The server reads its resource here.
    is_read: bool,
    /// Its charset is one in which only ASCII is the same to everybody.
    is_ascii: bool,
    /// Where it stands, if somebody wants to know.
    place: Option<String>,
}

/// A form field that names resources.
#[derive(Debug)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// The server reads its resource here.
    pub is_read: bool,
    /// The value is JSON that names them at these places; empty if the value is the name.
    pub json: Rc<[Pattern]>,
}

impl FormReader {
    /// A reader for a form with this Content-Type: it reads the declared fields alone. `None` if the
    /// type or its boundary is unfit.
    pub fn new(content_type: &[u8], fields: Rc<[FormField]>) -> Option<Self> {
        let boundary = boundary(content_type)?;
        let delimiter = [b"\r\n--", boundary.as_slice()].concat().into_boxed_slice();
        Some(Self {
            fields,
            choosers: None,
            texts: Rc::default(),
            has_places: false,
            seen: 0,
            delimiter,
            // The first delimiter stands at the very start, as if a line end came before it.
            matched: 2,
            line_end: LineEnd::Whole,
            state: State::Start,
            head: Vec::new(),
            part: String::new(),
            sink: Sink::Nowhere,
            names: Vec::new(),
        })
    }

    /// The same, and fields that choose by their name count too, and so do the members of JSON in a field
    /// that is none of these `texts`.
    pub fn closed(mut self, choosers: Rc<Choosers>, texts: Rc<[String]>) -> Self {
        self.choosers = Some(choosers);
        self.texts = texts;
        self
    }

    /// The same, and each name says where it stands.
    pub fn with_places(mut self) -> Self {
        self.has_places = true;
        self
    }

    /// Reads on. After an error the body is refused; no more may be fed.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), FormError> {
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.state {
                State::Content => self.content(rest)?,
                State::Start => {
                    self.start(byte)?;
                    after
                }
                State::Delimited(seen) => {
                    self.delimited(seen, byte)?;
                    after
                }
                State::Head => {
                    self.in_head(byte)?;
                    after
                }
                State::End(seen) => {
                    self.end(seen, byte)?;
                    after
                }
            };
        }
        Ok(())
    }

    /// The body is over.
    pub fn finish(&self) -> Result<(), FormError> {
        match self.state {
            State::End(0 | 2) => Ok(()),
            _ => Err(FormError::Cut),
        }
    }

    /// Whether its closing delimiter has come, whatever may follow.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::End(_))
    }

    /// What an error that is about a field is about, for people.
    pub fn place(&self) -> Option<String> {
        let inside = match &self.sink {
            Sink::Json(reader) | Sink::Member(reader) => reader.place(),
            Sink::Nowhere | Sink::Name(_) | Sink::Undeclared { .. } => None,
        };
        let field = format!("the form field `{}`", self.part);
        Some(match inside {
            Some(place) => format!("{place} in {field}"),
            None => field,
        })
    }

    /// The names that were read since the last call.
    pub fn take_names(&mut self) -> Vec<Mention> {
        std::mem::take(&mut self.names)
    }

    fn start(&mut self, byte: u8) -> Result<(), FormError> {
        if self.delimiter.get(self.matched) != Some(&byte) {
            return Err(FormError::Syntax);
        }
        self.matched += 1;
        if self.matched == self.delimiter.len() {
            self.matched = 0;
            self.state = State::Delimited(None);
        }
        Ok(())
    }

    fn delimited(&mut self, seen: Option<u8>, byte: u8) -> Result<(), FormError> {
        self.state = match (seen, byte) {
            (None, b'\r' | b'-') => State::Delimited(Some(byte)),
            (Some(b'\r'), b'\n') => State::Head,
            (Some(b'-'), b'-') => State::End(0),
            _ => return Err(FormError::Syntax),
        };
        self.head.clear();
        Ok(())
    }

    fn in_head(&mut self, byte: u8) -> Result<(), FormError> {
        self.head.push(byte);
        if self.head.len() > HEAD_BYTES_MAX {
            return Err(FormError::Head);
        }
        if self.head.ends_with(b"\r\n\r\n") {
            let head = std::mem::take(&mut self.head);
            let part = Part::parse(&head)?;
            self.part.clone_from(&part.name);
            self.sink = self.sink_of(&part)?;
            self.head = head;
            self.state = State::Content;
            (self.matched, self.line_end) = (2, LineEnd::Head);
        }
        Ok(())
    }

    fn sink_of(&mut self, part: &Part) -> Result<Sink, FormError> {
        let Some(index) = self.fields.iter().position(|field| field.name == part.name) else {
            let alike = |field: &FormField| part.looks_like(&field.name);
            return match self.fields.iter().any(alike) {
                true => Err(FormError::Variant),
                false => self.sink_by_name(part),
            };
        };
        let bit = 1u64 << (index % FIELDS_MAX);
        if self.seen & bit != 0 {
            return Err(FormError::Duplicate);
        }
        self.seen |= bit;
        let Some(field) = self.fields.get(index) else {
            return Ok(Sink::Nowhere);
        };
        match field.json.is_empty() {
            true if part.is_text() => Ok(Sink::Name(self.value_of(part, field.is_read))),
            false if part.is_json() => Ok(Sink::Json(Box::new(self.json_reader(field)))),
            _ => Err(FormError::NotText),
        }
    }

    fn json_reader(&self, field: &FormField) -> JsonReader {
        self.reader_of(Rc::clone(&field.json))
    }

    fn reader_of(&self, places: Rc<[Pattern]>) -> JsonReader {
        match &self.choosers {
            Some(choosers) if self.has_places => {
                JsonReader::closed(places, Rc::clone(choosers)).with_places()
            }
            Some(choosers) => JsonReader::closed(places, Rc::clone(choosers)),
            None => JsonReader::new(places),
        }
    }

    fn value_of(&self, part: &Part, is_read: bool) -> Value {
        Value {
            bytes: Vec::new(),
            is_read,
            is_ascii: part.is_ascii(),
            place: self.has_places.then(|| format!("form:{}", part.name)),
        }
    }

    /// The sink of a field that the rule does not declare.
    fn sink_by_name(&self, part: &Part) -> Result<Sink, FormError> {
        let Some(choosers) = &self.choosers else {
            return Ok(Sink::Nowhere);
        };
        match choosers.sense_of_steps(steps(&part.name)) {
            Sense::Chooser(ChooserKind::Ref) => Err(FormError::Json(JsonError::Indirect)),
            Sense::Chooser(_) if part.is_text() => Ok(Sink::Name(self.value_of(part, false))),
            Sense::Chooser(_) => Err(FormError::NotText),
            Sense::Schema | Sense::Plain if !part.is_file && !self.is_of_texts(&part.name) => {
                Ok(Sink::Undeclared { in_list: false })
            }
            Sense::Opaque | Sense::Schema | Sense::Plain => Ok(Sink::Nowhere),
        }
    }

    fn is_of_texts(&self, name: &str) -> bool {
        let first = steps(name).next().unwrap_or_default();
        self.texts.iter().any(|text| text == first)
    }

    /// Reads content up to the next delimiter or the end of the chunk; gives what is left.
    fn content<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], FormError> {
        if self.matched == 0 {
            return self.line(bytes);
        }
        let Some((byte, after)) = bytes.split_first() else {
            return Ok(bytes);
        };
        if self.matched == 1 && *byte == b'\n' {
            (self.matched, self.line_end) = (2, LineEnd::Whole);
            return Ok(after);
        }
        let at = self.matched.max(2);
        if self.delimiter.get(at) == Some(byte) {
            self.matched = at + 1;
            if self.matched == self.delimiter.len() {
                self.delimiter_found()?;
            }
            return Ok(after);
        }
        // Not the delimiter after all; only this byte could begin another one.
        self.put_begun()?;
        self.matched = 0;
        Ok(bytes)
    }

    /// Reads up to a line end; gives what is left.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], FormError> {
        let (run, rest) = bytes
            .split_at_checked(length_of_line(bytes))
            .unwrap_or((bytes, &[]));
        self.put(run)?;
        (self.matched, self.line_end) = match rest.first() {
            Some(b'\r') => (1, LineEnd::CarriageReturn),
            Some(_) => (2, LineEnd::LineFeed),
            None => return Ok(rest),
        };
        Ok(rest.get(1..).unwrap_or_default())
    }

    fn delimiter_found(&mut self) -> Result<(), FormError> {
        if self.line_end != LineEnd::Whole {
            return Err(FormError::Syntax);
        }
        self.matched = 0;
        self.state = State::Delimited(None);
        self.end_part()
    }

    /// What looked like a delimiter is content.
    fn put_begun(&mut self) -> Result<(), FormError> {
        if matches!(self.sink, Sink::Nowhere) {
            return Ok(());
        }
        let line_end: &[u8] = match self.line_end {
            LineEnd::Whole => b"\r\n",
            LineEnd::LineFeed => b"\n",
            LineEnd::CarriageReturn => b"\r",
            LineEnd::Head => b"",
        };
        let dashes = self.delimiter.get(2..self.matched).unwrap_or_default();
        let begun = [line_end, dashes].concat();
        self.put(&begun)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FormError> {
        match &mut self.sink {
            Sink::Nowhere => Ok(()),
            Sink::Undeclared { in_list } => {
                let in_list = *in_list;
                self.put_undeclared(bytes, in_list)
            }
            Sink::Json(reader) | Sink::Member(reader) => {
                reader.feed(bytes).map_err(FormError::Json)
            }
            Sink::Name(value) if value.bytes.len() + bytes.len() > VALUE_BYTES_MAX => {
                Err(FormError::OddName)
            }
            Sink::Name(value) => {
                value.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Looks whether it is JSON; if so, it is read as the member of this name.
    fn put_undeclared(&mut self, bytes: &[u8], in_list: bool) -> Result<(), FormError> {
        match look_at(bytes, in_list) {
            Look::Blank { in_list } => self.sink = Sink::Undeclared { in_list },
            Look::Text => self.sink = Sink::Nowhere,
            Look::Json { in_list, rest } => {
                let mut reader = self.reader_of(Rc::default());
                let name = serde_json::Value::from(self.part.as_str());
                let list = if in_list { "[" } else { "" };
                let begin = format!("{{{name}:{list}");
                reader.feed(begin.as_bytes()).map_err(FormError::Json)?;
                self.sink = Sink::Member(Box::new(reader));
                self.put(rest)?;
            }
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), FormError> {
        match std::mem::replace(&mut self.sink, Sink::Nowhere) {
            Sink::Nowhere | Sink::Undeclared { .. } => {}
            Sink::Name(value) => self.names.push(value.mention()?),
            Sink::Json(reader) => self.end_json(*reader)?,
            Sink::Member(mut reader) => {
                reader.feed(b"}").map_err(FormError::Json)?;
                self.end_json(*reader)?;
            }
        }
        Ok(())
    }

    fn end_json(&mut self, mut reader: JsonReader) -> Result<(), FormError> {
        reader.finish().map_err(FormError::Json)?;
        self.names.extend(reader.take_names());
        Ok(())
    }

    fn end(&mut self, seen: u8, byte: u8) -> Result<(), FormError> {
        self.state = match (seen, byte) {
            (0 | 2, b'\r') => State::End(1),
            (1, b'\n') => State::End(2),
            _ => return Err(FormError::Syntax),
        };
        Ok(())
    }
}

impl Value {
    fn mention(self) -> Result<Mention, FormError> {
        let text = String::from_utf8(self.bytes).map_err(|_| FormError::OddName)?;
        if !name_is_sound(&text) || (self.is_ascii && !text.is_ascii()) {
            return Err(FormError::OddName);
        }
        Ok(Mention {
            name: text,
            is_read: self.is_read,
            place: self.place,
        })
    }
}

/// How many bytes from the front end no line. In blocks, of which the compiler makes SIMD.
fn length_of_line(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let ends = |byte: &u8| (*byte == b'\r') | (*byte == b'\n');
    let is_plain = |block: &&[u8; BLOCK]| {
        let found = block.iter().map(|byte| u8::from(ends(byte)));
        found.fold(0, |all, one| all | one) == 0
    };
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let plain = blocks.iter().take_while(is_plain).count() * BLOCK;
    let tail = bytes.get(plain..).unwrap_or_default();
    plain + tail.iter().position(ends).unwrap_or(tail.len())
}
