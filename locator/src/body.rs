//! The reader that a rule and the declared content type agree on.
//!
//! Does not judge what is read. Invariant: a body that is not declared as what the rule reads, or
//! that is encoded, has no reader.

use std::rc::Rc;

use crate::flaw::Flaw;
use crate::form::{FormError, FormReader};
use crate::headers::HeaderMap;
use crate::json::{JsonError, JsonReader};
use crate::mention::Mention;
use crate::mentions::Mentions;
use crate::rules::{Absent, Located, Rule};

/// A reader in the middle of a body.
#[derive(Debug)]
pub enum BodyReader {
    /// One JSON object.
    Json(Box<JsonReader>),
    /// `multipart/form-data`.
    Form(Box<FormReader>),
}

/// What a reader looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// What the rule declares.
    Declared,
    /// What chooses by its name, too.
    All,
    /// The same, and where it stands.
    Places,
}

/// Why a request cannot be judged by what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body has a Content-Encoding, so it cannot be read.
    Encoding,
    /// The body is not declared as what the rule reads.
    ContentType,
    /// It is malformed, or says what it says in more than one way.
    Ambiguous(Flaw),
    /// It chooses what cannot be seen. With the member or field that does, for people.
    Indirect(String),
    /// No place that the server reads names anything. With that place, for people.
    Unnamed(String),
    /// The same, where something stored would choose.
    Unseen(String),
}

impl BodyReader {
    /// A reader for the body of a request with these headers.
    pub fn new(headers: &HeaderMap, located: &Located<'_>, reads: Reads) -> Result<Self, Fault> {
        let plain = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
        if !headers
            .iter()
            .filter(|(name, _)| *name == b"content-encoding")
            .all(|(_, v)| plain(v))
        {
            return Err(Fault::Encoding);
        }
        let content_type = match headers.get_single(b"content-type") {
            Ok(Some(declared)) => declared,
            Ok(None) if located.rule.untyped_json => b"application/json",
            _ => return Err(Fault::ContentType),
        };
        let choosers = || Rc::clone(located.choosers);
        let json = located.rule.json.as_ref().filter(|_| is_json(content_type));
        if let Some(patterns) = json.cloned() {
            return Ok(Self::Json(Box::new(match reads {
                Reads::Declared => JsonReader::new(patterns),
                Reads::All => JsonReader::closed(patterns, choosers()),
                Reads::Places => JsonReader::closed(patterns, choosers()).with_places(),
            })));
        }
        let texts = || Rc::clone(&located.rule.form_texts);
        let form = located.rule.form.as_ref();
        let reader = form.and_then(|fields| FormReader::new(content_type, fields.clone()));
        let reader = reader.ok_or(Fault::ContentType)?;
        Ok(Self::Form(Box::new(match reads {
            Reads::Declared => reader,
            Reads::All => reader.closed(choosers(), texts()),
            Reads::Places => reader.closed(choosers(), texts()).with_places(),
        })))
    }

    /// Reads on. After an error the body is refused; no more may be fed.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Json(reader) => reader
                .feed(chunk)
                .map_err(|error| of_json(error, reader.place())),
            Self::Form(reader) => reader
                .feed(chunk)
                .map_err(|error| of_form(error, reader.place())),
        }
    }

    /// The body is over.
    pub fn finish(&self) -> Result<(), Fault> {
        match self {
            Self::Json(reader) => reader.finish().map_err(|error| of_json(error, None)),
            Self::Form(reader) => reader.finish().map_err(|error| of_form(error, None)),
        }
    }

    /// Whether the body says that it is over, whatever may follow: a server could act on it now.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Json(reader) => reader.finish().is_ok(),
            Self::Form(reader) => reader.has_ended(),
        }
    }

    /// The names that were read since the last call.
    pub fn take_names(&mut self) -> Vec<Mention> {
        match self {
            Self::Json(reader) => reader.take_names(),
            Self::Form(reader) => reader.take_names(),
        }
    }
}

/// What a rule says of a request that names nothing where the server reads.
#[derive(Clone, Debug)]
pub struct Unnamed {
    absent: Absent,
    /// The rule's own service name, which comes before the configured one.
    service: Option<String>,
    /// Where the server reads, for people.
    reads: String,
}

impl Unnamed {
    /// What this rule says.
    pub fn of(rule: &Rule) -> Self {
        Self {
            absent: rule.absent,
            service: rule.service.clone(),
            reads: rule.reads.clone(),
        }
    }

    /// Adds the name by which such a request is judged: the rule's own service has to be granted like
    /// that of an object; `configured` is that of a server of one model.
    pub fn stand_in(&self, configured: Option<&str>, found: &mut Mentions) -> Result<(), Fault> {
        match (self.absent, &self.service, configured) {
            (Absent::Indirect, ..) => return Err(Fault::Unseen(self.reads.clone())),
            (Absent::Service, Some(service), _) => found.set_service(service.clone()),
            (Absent::Service, None, Some(service)) => found.add(Mention {
                name: service.to_owned(),
                is_read: true,
                place: Some("service".to_owned()),
            }),
            (Absent::Deny | Absent::Service, ..) => return Err(Fault::Unnamed(self.reads.clone())),
        }
        Ok(())
    }
}

/// `application/json`, `application/<any>+json` or `text/json`, with no parameter but
/// `charset=utf-8`, which some write without its hyphen. What is empty between semicolons says nothing.
fn is_json(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_text = media_type == b"text/json";
    let known = is_text
        || media_type
            .strip_prefix(b"application/")
            .is_some_and(|subtype| {
                let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._+".contains(b);
                subtype.iter().all(plain) && (subtype == b"json" || subtype.ends_with(b"+json"))
            });
    known
        && parts.all(|parameter| {
            let known = [
                "",
                "charset=utf-8",
                "charset=\"utf-8\"",
                "charset=utf8",
                "charset=\"utf8\"",
            ];
            known
                .iter()
                .any(|known| parameter.eq_ignore_ascii_case(known.as_bytes()))
        })
}

/// An error of a reader, which was at this place.
fn of_json(error: JsonError, place: Option<String>) -> Fault {
    let place = place.filter(|_| error.is_of_member());
    match error {
        JsonError::Indirect => Fault::Indirect(place.unwrap_or_default()),
        _ => Fault::Ambiguous(Flaw::at(error.message(), place)),
    }
}

fn of_form(error: FormError, place: Option<String>) -> Fault {
    match error {
        FormError::Json(JsonError::Indirect) => Fault::Indirect(place.unwrap_or_default()),
        _ => {
            let place = place.filter(|_| error.is_of_field());
            Fault::Ambiguous(Flaw::at(error.message(), place))
        }
    }
}
