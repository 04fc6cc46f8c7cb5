//! Forms whose parts are named in every way that some reader falls for.
//!
//! Does not judge them. Invariant: the same seed gives the same forms, and a part whose content is
//! in scope is named plainly.

use crate::differential::corpus::Corpus;

use super::court::{IN_SCOPE, OUT_OF_SCOPE};

/// Long enough for every reader.
const BOUNDARY: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const SPEECH: [&str; 3] = [
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/images/edits",
];
/// Of a hundred forms so many are as honest clients write them.
const HONEST_PERCENT: usize = 10;

const KINDS: [&str; 6] = [
    "form-data",
    "form-data",
    "form-data",
    "Form-Data",
    "attachment",
    "form-data ",
];
/// Names of a part: most are harmless, for the trick is in what stands beside them.
const NAMES: [&str; 26] = [
    "name=\"x\"",
    "name=\"x\"",
    "name=\"x\"",
    "name=\"x\"",
    "name=\"prompt\"",
    "name=\"language\"",
    "name=\"model\"",
    "name=model",
    "name='model'",
    "NAME=\"model\"",
    "name =\"model\"",
    "name= \"model\"",
    "name*=utf-8''model",
    "name*0=\"mo\"; name*1=\"del\"",
    "name=\"mod\\el\"",
    "name=\"mod\\\"el\"",
    "name=\"model[]\"",
    "name=\"model.x\"",
    "name=\"Model\"",
    "name=\"=?utf-8?q?model?=\"",
    "name=\"mod%65l\"",
    "name=\"model\\\"",
    "name=\"model \"",
    "name=\"model\u{0}\"",
    "name=\"_charset_\"",
    "",
];
/// What stands beside the name.
const BESIDE: [&str; 34] = [
    "filename=\"a.wav\"",
    "filename=\"name=model\"",
    "filename=\"; name=model\"",
    "filename=\"; name=model;\"",
    "filename=\" name=model \"",
    "filename=\"a\\\"; name=\\\"model\"",
    "filename=\"a\\\\\"; x=\"; name=model",
    "filename=\"name=\\\"model\\\"\"",
    "filename='\"; name=\"model'",
    "filename=\"a%22; name=%22model\"",
    "filename=name=model",
    "filename=\"\"",
    "filename*=utf-8''name=model",
    "filename*=utf-8''a%22%3B%20name%3D%22model",
    "filename*0=\"name=\"; filename*1=\"model\"",
    "filename=\"C:\\name=model\"",
    "filename=\"\u{e9}; name=model\"",
    "filename=\"a\r\n name=model\"",
    "filename=\"a; name*=utf-8''model\"",
    "filename=\"name=model",
    "x=\"name=model\"",
    "x=\"; name=model; y=\"",
    "x=name=model",
    "x=\"\\\"; name=model\"",
    "xname=model",
    "x-name=\"model\"",
    "name*=utf-8''model",
    "name=\"model\"",
    "charset=utf-16",
    "filename=\"a \"b\".wav\"",
    "filename=\"a \"name\" model\"",
    "size=3",
    "modification-date=\"; name=model\"",
    "=",
];
const SEPARATORS: [&str; 8] = ["; ", "; ", "; ", ";", " ; ", ";\t", ";\r\n ", ";;"];
/// Names of the line that names a part.
const LINES: [&str; 7] = [
    "Content-Disposition: ",
    "Content-Disposition: ",
    "Content-Disposition: ",
    "content-disposition:",
    "Content-Disposition : ",
    "X: y\r\n Content-Disposition: form-data; name=\"model\"\r\nContent-Disposition: ",
    "Content-Disposition:\t",
];
/// Lines behind it.
const BEHIND: [&str; 8] = [
    "",
    "",
    "",
    "Content-Type: text/plain\r\n",
    "Content-Type: text/plain; charset=utf-7\r\n",
    "Content-Type: application/octet-stream; name=\"model\"\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Disposition: form-data; name=\"model\"\r\n",
];
const TYPES: [&str; 8] = [
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\"b\"",
    "multipart/form-data;boundary=b",
    "multipart/form-data; charset=utf-8; boundary=b",
    "multipart/form-data; boundary=b; boundary=c",
    "Multipart/Form-Data; Boundary=b",
];

/// What follows the last delimiter.
const ENDS: [&str; 4] = ["\r\n", "\r\n", "\r\n\r\n", ""];

/// A form and where it is sent.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) path: &'static str,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// Every reader reads a name in scope in it.
    pub(super) is_honest: bool,
}

/// So many forms.
pub(super) fn forms(seed: u64, count: usize) -> Vec<Form> {
    let mut source = Corpus::new(seed);
    (0..count).map(|_| form(&mut source)).collect()
}

fn form(source: &mut Corpus) -> Form {
    let is_honest = source.below(100) < HONEST_PERCENT;
    let mut parts = vec![
        part("name=\"model\"", IN_SCOPE[source.below(2)]),
        part("name=\"file\"; filename=\"model.wav\"", "RIFF"),
    ];
    let bad = if is_honest { 0 } else { 1 + source.below(2) };
    for _ in 0..bad {
        let at = source.below(parts.len() + 1);
        parts.insert(at, disguised(source));
    }
    let content_type = match is_honest {
        true => TYPES[0],
        false => source.pick(&TYPES),
    };
    let end = source.pick(&ENDS);
    let body = format!("{}--{BOUNDARY}--{end}", parts.concat());
    Form {
        path: SPEECH[source.below(SPEECH.len())],
        content_type: content_type
            .replace("=b", &format!("={BOUNDARY}"))
            .replace("=\"b", &format!("=\"{BOUNDARY}")),
        body: latin_1(source, body),
        is_honest,
    }
}

/// A part that is out of scope for a reader which takes it for the model.
fn disguised(source: &mut Corpus) -> String {
    let mut words = vec![source.pick(&NAMES)];
    for _ in 0..source.below(3) {
        let at = source.below(words.len() + 1);
        words.insert(at, source.pick(&BESIDE));
    }
    let mut disposition = source.pick(&KINDS).to_owned();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        disposition += source.pick(&SEPARATORS);
        disposition += word;
    }
    let (line, behind) = (source.pick(&LINES), source.pick(&BEHIND));
    format!("--{BOUNDARY}\r\n{line}{disposition}\r\n{behind}\r\n{OUT_OF_SCOPE}\r\n")
}

fn part(parameters: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
}

/// The text as bytes; a letter outside ASCII is UTF-8 or one byte.
fn latin_1(source: &mut Corpus, text: String) -> Vec<u8> {
    match source.below(2) {
        0 => text.into_bytes(),
        _ => text
            .chars()
            .map(|c| u8::try_from(c).unwrap_or(b'?'))
            .collect(),
    }
}
