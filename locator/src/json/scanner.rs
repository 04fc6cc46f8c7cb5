//! A strict, incremental JSON scanner: RFC 8259 in UTF-8, any chunking, constant memory.
//!
//! Iterative: containers are bits on a fixed stack, not calls. Does not know which members
//! matter; a [`Visitor`] says which strings it wants to see. Invariant: linear time, every byte
//! looked at, nothing accepted that RFC 8259 does not allow.

use super::JsonError;
use super::text::{Run, Utf8, plain_run};

/// Deepest nesting that is read.
pub(super) const DEPTH_MAX: usize = 256;
/// Longest string that is shown to the visitor, in bytes.
pub(super) const CAPTURE_BYTES_MAX: usize = 512;

/// An object or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    Array,
}

/// A value without content of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Null,
    False,
    True,
    Number,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Member,
    Value,
}

/// A decoded string.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) bytes: Vec<u8>,
    /// It was longer than [`CAPTURE_BYTES_MAX`]; `bytes` is its beginning.
    pub(super) too_long: bool,
    /// It had half a surrogate pair, which no UTF-8 text can hold.
    pub(super) lone_surrogate: bool,
}

/// Follows the structure.
pub(super) trait Visitor {
    /// A container begins as a value.
    fn open(&mut self, container: Container) -> Result<(), JsonError>;
    /// The innermost container ends.
    fn close(&mut self) -> Result<(), JsonError>;
    /// A value that is neither a text nor a container.
    fn scalar(&mut self, scalar: Scalar) -> Result<(), JsonError>;
    /// A string begins; whether its text is wanted.
    fn begin_string(&mut self, role: Role) -> bool;
    /// A wanted string.
    fn string(&mut self, role: Role, text: &Captured) -> Result<(), JsonError>;
}

#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    depth: usize,
    /// One bit per open container: set for an object.
    objects: [u64; DEPTH_MAX / 64],
    capturing: bool,
    pub(super) captured: Captured,
    /// The first half of a surrogate pair whose second half must follow.
    high_surrogate: Option<u16>,
    utf8: Utf8,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Root,
    Value,
    ValueOrEnd,
    Member,
    MemberOrEnd,
    Colon,
    CommaOrEnd,
    End,
    String(Role),
    Escape(Role),
    Hex {
        role: Role,
        unit: u16,
        left: u8,
    },
    Literal(&'static [u8]),
    Number(Number),
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Scanner {
    pub(super) fn feed(
        &mut self,
        chunk: &[u8],
        visitor: &mut impl Visitor,
    ) -> Result<(), JsonError> {
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            let state = self.state;
            rest = match state {
                State::String(role) => self.in_string(role, rest, visitor)?,
                State::Number(number) => match self.number_goes_on(number, byte)? {
                    true => after,
                    false => rest,
                },
                _ => {
                    self.step(byte, visitor)?;
                    after
                }
            };
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), JsonError> {
        match self.state {
            State::End => Ok(()),
            _ => Err(JsonError::Cut),
        }
    }

    /// One byte outside of strings and numbers.
    fn step(&mut self, byte: u8, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match self.state {
            State::Escape(role) => self.escape(role, byte),
            State::Hex { role, unit, left } => self.hex(role, unit, left, byte),
            State::Literal(rest) => self.literal(rest, byte),
            _ if blank => Ok(()),
            State::Root if byte == b'{' => self.open(Container::Object, visitor),
            State::Root if byte == 0xef || byte >= 0xfe || byte == 0 => Err(JsonError::Encoding),
            State::Root if b"[\"-tfn0123456789".contains(&byte) => Err(JsonError::NotAnObject),
            State::ValueOrEnd if byte == b']' => self.close(Container::Array, visitor),
            State::Value | State::ValueOrEnd => self.value(byte, visitor),
            State::MemberOrEnd if byte == b'}' => self.close(Container::Object, visitor),
            State::Member | State::MemberOrEnd if byte == b'"' => {
                self.begin_string(Role::Member, visitor);
                Ok(())
            }
            State::Colon if byte == b':' => {
                self.state = State::Value;
                Ok(())
            }
            State::CommaOrEnd => self.comma_or_end(byte, visitor),
            _ => Err(JsonError::Syntax),
        }
    }

    fn value(&mut self, byte: u8, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        self.state = match byte {
            b'{' => return self.open(Container::Object, visitor),
            b'[' => return self.open(Container::Array, visitor),
            b'"' => {
                self.begin_string(Role::Value, visitor);
                return Ok(());
            }
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Integer),
            _ => return Err(JsonError::Syntax),
        };
        visitor.scalar(match byte {
            b'n' => Scalar::Null,
            b'f' => Scalar::False,
            b't' => Scalar::True,
            _ => Scalar::Number,
        })
    }

    fn comma_or_end(&mut self, byte: u8, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        match (byte, self.innermost()) {
            (b',', Some(Container::Object)) => self.state = State::Member,
            (b',', Some(Container::Array)) => self.state = State::Value,
            (b'}', _) => return self.close(Container::Object, visitor),
            (b']', _) => return self.close(Container::Array, visitor),
            _ => return Err(JsonError::Syntax),
        }
        Ok(())
    }

    fn open(&mut self, container: Container, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        let bit = 1u64 << (self.depth % 64);
        let word = self
            .objects
            .get_mut(self.depth / 64)
            .ok_or(JsonError::Depth)?;
        self.state = match container {
            Container::Object => {
                *word |= bit;
                State::MemberOrEnd
            }
            Container::Array => {
                *word &= !bit;
                State::ValueOrEnd
            }
        };
        self.depth += 1;
        visitor.open(container)
    }

    fn close(&mut self, container: Container, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        if self.innermost() != Some(container) {
            return Err(JsonError::Syntax);
        }
        self.depth -= 1;
        visitor.close()?;
        self.state = self.after_value();
        Ok(())
    }

    fn innermost(&self) -> Option<Container> {
        let index = self.depth.checked_sub(1)?;
        let object = self.objects.get(index / 64)? >> (index % 64) & 1 == 1;
        Some(if object {
            Container::Object
        } else {
            Container::Array
        })
    }

    fn after_value(&self) -> State {
        if self.depth == 0 {
            State::End
        } else {
            State::CommaOrEnd
        }
    }

    fn literal(&mut self, rest: &'static [u8], byte: u8) -> Result<(), JsonError> {
        match rest.split_first() {
            Some((wanted, [])) if *wanted == byte => self.state = self.after_value(),
            Some((wanted, more)) if *wanted == byte => self.state = State::Literal(more),
            _ => return Err(JsonError::Syntax),
        }
        Ok(())
    }

    /// Whether the byte belongs to the number; if not, the number is over and must be whole.
    fn number_goes_on(&mut self, number: Number, byte: u8) -> Result<bool, JsonError> {
        use Number::{
            Exponent, ExponentDigits, ExponentSign, Fraction, Integer, Minus, Point, Zero,
        };
        let next = match (number, byte) {
            (Minus, b'0') => Zero,
            (Minus, b'1'..=b'9') | (Integer, b'0'..=b'9') => Integer,
            (Zero | Integer, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Integer | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => ExponentSign,
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => ExponentDigits,
            (Zero | Integer | Fraction | ExponentDigits, _) => {
                self.state = self.after_value();
                return Ok(false);
            }
            _ => return Err(JsonError::Syntax),
        };
        self.state = State::Number(next);
        Ok(true)
    }

    // Strings.

    fn begin_string(&mut self, role: Role, visitor: &mut impl Visitor) {
        self.state = State::String(role);
        self.capturing = visitor.begin_string(role);
        self.captured.bytes.clear();
        self.captured.too_long = false;
        self.captured.lone_surrogate = false;
    }

    /// Reads up to the end of the string, an escape or the end of the chunk; gives what is left.
    fn in_string<'a>(
        &mut self,
        role: Role,
        bytes: &'a [u8],
        visitor: &mut impl Visitor,
    ) -> Result<&'a [u8], JsonError> {
        let Run { length, is_ascii } = plain_run(bytes);
        let (run, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        if !run.is_empty() {
            self.utf8.check(run, is_ascii)?;
            self.capture(run);
        }
        let Some((&byte, after)) = rest.split_first() else {
            return Ok(rest);
        };
        if !self.utf8.is_whole() {
            return Err(JsonError::Encoding);
        }
        match byte {
            b'"' => self.end_string(role, visitor)?,
            b'\\' => self.state = State::Escape(role),
            _ => return Err(JsonError::Syntax),
        }
        Ok(after)
    }

    fn end_string(&mut self, role: Role, visitor: &mut impl Visitor) -> Result<(), JsonError> {
        if self.high_surrogate.take().is_some() {
            self.captured.lone_surrogate = true;
        }
        if self.capturing {
            self.capturing = false;
            visitor.string(role, &self.captured)?;
        }
        self.state = match role {
            Role::Member => State::Colon,
            Role::Value => self.after_value(),
        };
        Ok(())
    }

    fn capture(&mut self, bytes: &[u8]) {
        if !self.capturing {
            return;
        }
        if self.high_surrogate.take().is_some() {
            self.captured.lone_surrogate = true;
        }
        let room = CAPTURE_BYTES_MAX.saturating_sub(self.captured.bytes.len());
        self.captured.too_long |= bytes.len() > room;
        self.captured
            .bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn escape(&mut self, role: Role, byte: u8) -> Result<(), JsonError> {
        let decoded = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.state = State::Hex {
                    role,
                    unit: 0,
                    left: 4,
                };
                return Ok(());
            }
            _ => return Err(JsonError::Syntax),
        };
        self.capture(&[decoded]);
        self.state = State::String(role);
        Ok(())
    }

    fn hex(&mut self, role: Role, unit: u16, left: u8, byte: u8) -> Result<(), JsonError> {
        let digit = char::from(byte)
            .to_digit(16)
            .and_then(|d| u16::try_from(d).ok());
        let unit = (unit << 4) | digit.ok_or(JsonError::Syntax)?;
        if left > 1 {
            self.state = State::Hex {
                role,
                unit,
                left: left - 1,
            };
            return Ok(());
        }
        self.state = State::String(role);
        if self.capturing {
            self.code_unit(unit);
        }
        Ok(())
    }

    /// One UTF-16 code unit of a `\u` escape.
    fn code_unit(&mut self, unit: u16) {
        let high = self.high_surrogate.take();
        let units = [high.unwrap_or(unit), unit];
        let units = if high.is_some() {
            units.as_slice()
        } else {
            &[unit]
        };
        if high.is_none() && (0xd800..0xdc00).contains(&unit) {
            self.high_surrogate = Some(unit);
            return;
        }
        for decoded in char::decode_utf16(units.iter().copied()) {
            match decoded {
                Ok(c) => self.capture(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => self.captured.lone_surrogate = true,
            }
        }
    }
}
