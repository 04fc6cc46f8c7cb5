//! Bodies that are nearly honest: JSON and forms with every trick that some reader falls for.
//!
//! Does not judge them. Invariant: the same seed gives the same bodies.

const CHAT: &str = "/v1/chat/completions";
const SPEECH: &str = "/v1/audio/transcriptions";
const JSON: &str = "application/json";

/// Names that count, and some that only look like it.
const MEMBERS: [&str; 14] = [
    "model",
    "model",
    "model",
    "models",
    "fallbacks",
    "Model",
    "MODEL",
    "mod\\u0065l",
    "\\u006dodel",
    "model ",
    "model\\u0000",
    "model\\ud800",
    "model\u{17f}",
    "x",
];
const VALUES: [&str; 16] = [
    r#""good-1""#,
    r#""good-1""#,
    r#""good-2""#,
    r#""bad-1""#,
    r#""\u0062ad-1""#,
    r#""\u0067ood-1""#,
    r#"["good-1","good-2"]"#,
    r#"["good-1","bad-1"]"#,
    r#"{"model":"bad-1"}"#,
    r#"[{"model":"good-1"}]"#,
    "null",
    "1",
    r#"" good-1""#,
    r#""good-1,bad-1""#,
    r#""good-1\u0000""#,
    r#"[{"model":"bad-1"},"good-1"]"#,
];
const SEPARATORS: [&str; 8] = [",", ",", ",", ",", " ,\r\n", ",,", ",/*,", ""];
const TAILS: [&str; 7] = ["", "", "", "\n", "}", "{\"model\":\"bad-1\"}", "\0"];
const DISPOSITIONS: [&str; 16] = [
    "form-data; name=\"model\"",
    "form-data; name=\"model\"",
    "form-data; name=\"model\"",
    "form-data; name=model",
    "Form-Data; NAME=\"model\"",
    "form-data; name=\"Model\"",
    "form-data; name=\"model[]\"",
    "form-data; name=\"x\"; name=\"model\"",
    "form-data; name=\"model\"; name=\"x\"",
    "form-data; name*=utf-8''model",
    "form-data; name=\"model\"; filename=\"a\"",
    "form-data; name=\"mod\\el\"",
    "form-data; name=\"x\"; filename=\"; name=model\"",
    "form-data; name=\"x\"",
    "form-data ;name=\"model\"",
    "attachment; name=\"model\"",
];
const MODELS: [&str; 8] = [
    "good-1",
    "good-1",
    "good-2",
    "bad-1",
    "bad-1",
    "good-1\r\n",
    " good-1",
    "YmFkLTE=",
];
const LINES: [&str; 8] = [
    "",
    "",
    "",
    "Content-Type: text/plain",
    "Content-Type: text/plain; charset=utf-16",
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: quoted-printable",
    "Content-Disposition: form-data; name=\"model\"",
];
const TYPES: [&str; 6] = [
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\"b\"",
    "multipart/form-data; boundary=b; boundary=c",
    "multipart/form-data; boundary=c; boundary=b",
    "multipart/form-data; charset=utf-8; boundary=b",
];
/// The boundary, `b` in the texts above and below: Node reads none that is shorter.
const BOUNDARY: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// Bytes that are put into a body to break it.
const NOISE: &[u8] = b"\"\\{}[]:,\r\n\0 \xff-b=;";

/// One body and how it is sent.
pub(crate) struct Sample {
    pub(crate) path: &'static str,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Lengths of its chunks; none if its length is said.
    pub(crate) chunks: Vec<usize>,
    /// It is in scope for every reader, by construction.
    pub(crate) honest: bool,
}

/// A form as text, or its content type, with the real boundary.
pub(crate) fn with_boundary(text: &str) -> String {
    text.replace("--b", &format!("--{BOUNDARY}"))
        .replace("boundary=\"b\"", &format!("boundary=\"{BOUNDARY}\""))
        .replace("boundary=b", &format!("boundary={BOUNDARY}"))
}

/// A form with the real boundary, which is that of the first of [`TYPES`].
pub(crate) fn with_boundary_bytes(form: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * form.len());
    let mut rest = form;
    while let Some(at) = rest.windows(3).position(|three| three == b"--b") {
        out.extend(&rest[..at]);
        out.extend(b"--");
        out.extend(BOUNDARY.bytes());
        rest = &rest[at + 3..];
    }
    out.extend(rest);
    out
}

/// A source of samples.
pub(crate) struct Corpus(u64);

impl Sample {
    /// A JSON body that no one vouches for.
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self {
            path: CHAT,
            content_type: JSON.to_owned(),
            body,
            chunks: Vec::new(),
            honest: false,
        }
    }

    /// A form of that kind.
    pub(crate) fn form(body: Vec<u8>) -> Self {
        Self {
            path: SPEECH,
            content_type: with_boundary(TYPES[0]),
            ..Self::json(body)
        }
    }

    /// The request, with its number in a header.
    pub(crate) fn request(&self, number: usize, key: &str) -> Vec<u8> {
        let framing = match self.chunks.is_empty() {
            true => format!("content-length: {}", self.body.len()),
            false => "transfer-encoding: chunked".to_owned(),
        };
        let lines = [
            format!("authorization: Bearer {key}"),
            format!("content-type: {}", self.content_type),
            format!("x-sample: {number}"),
            framing,
        ];
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let mut bytes = tests::raw::head("POST", self.path, &lines);
        if self.chunks.is_empty() {
            bytes.extend(&self.body);
            return bytes;
        }
        let mut rest = self.body.as_slice();
        for length in &self.chunks {
            let (chunk, after) = rest.split_at(*length);
            bytes.extend(format!("{length:x}\r\n").bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
            rest = after;
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }
}

impl Corpus {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn sample(&mut self) -> Sample {
        let honest = self.chance(15);
        let (path, content_type, body) = match (self.chance(60), honest) {
            (true, true) => (CHAT, JSON.to_owned(), self.honest_json()),
            (true, false) => (CHAT, JSON.to_owned(), self.json()),
            (false, true) => (SPEECH, with_boundary(TYPES[0]), self.honest_form()),
            (false, false) => (SPEECH, with_boundary(self.pick(&TYPES)), self.form()),
        };
        let chunks = if self.chance(50) {
            self.chunks(body.len())
        } else {
            Vec::new()
        };
        Sample {
            path,
            content_type,
            body,
            chunks,
            honest,
        }
    }

    fn json(&mut self) -> Vec<u8> {
        let mut text = "{".to_owned();
        for index in 0..1 + self.below(3) {
            if index > 0 {
                text += self.pick(&SEPARATORS);
            }
            let (member, value) = (self.pick(&MEMBERS), self.pick(&VALUES));
            text += &format!("\"{member}\":{value}");
        }
        text += "}";
        text += self.pick(&TAILS);
        let bytes = match self.below(30) {
            0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            2 => text
                .chars()
                .flat_map(|c| u32::from(c).to_be_bytes())
                .collect(),
            3 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            _ => text.into_bytes(),
        };
        self.broken(bytes)
    }

    fn honest_json(&mut self) -> Vec<u8> {
        let model = ["good-1", "good-2"][self.below(2)];
        let mut members = [
            format!("\"model\":\"{model}\""),
            r#""messages":[{"role":"user","content":"\"model\":\"bad-1\""}]"#.to_owned(),
            r#""metadata":{"model":"bad-1","Model":"bad-1"}"#.to_owned(),
        ];
        let turn = self.below(3);
        members.rotate_left(turn);
        format!("{{{}}}", members.join(self.pick(&SEPARATORS[..5]))).into_bytes()
    }

    fn form(&mut self) -> Vec<u8> {
        let mut text = String::new();
        if self.chance(8) {
            text += self.pick(&["x\r\n", "\r\n", "--c\r\n"]);
        }
        for _ in 0..1 + self.below(3) {
            text += &self.part();
        }
        text += self.pick(&[
            "--b--\r\n",
            "--b--\r\n",
            "--b--\r\n",
            "--b--",
            "",
            "--b--\r\nx",
        ]);
        if self.chance(5) {
            text = text.replace("\r\n", "\n");
        }
        if self.chance(10) {
            text += &self.part();
            text += "--b--\r\n";
        }
        self.broken(with_boundary(&text).into_bytes())
    }

    fn part(&mut self) -> String {
        let (disposition, value) = (self.pick(&DISPOSITIONS), self.pick(&MODELS));
        let line = match self.pick(&LINES) {
            "" => String::new(),
            line => format!("{line}\r\n"),
        };
        let (one, other) = match self.chance(50) {
            true => (line, String::new()),
            false => (String::new(), line),
        };
        format!("--b\r\n{one}Content-Disposition: {disposition}\r\n{other}\r\n{value}\r\n")
    }

    fn honest_form(&mut self) -> Vec<u8> {
        let model = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngood-1\r\n";
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\
                    Content-Type: audio/wav\r\n\r\n\r\n--c\r\n--\r\nbad-1\r\n";
        let parts = if self.chance(50) {
            [model, file]
        } else {
            [file, model]
        };
        with_boundary(&format!("{}--b--\r\n", parts.concat())).into_bytes()
    }

    /// Some bytes replaced, put in or left out, in a few of all bodies.
    fn broken(&mut self, mut body: Vec<u8>) -> Vec<u8> {
        if !self.chance(25) {
            return body;
        }
        for _ in 0..1 + self.below(3) {
            let at = self.below(body.len().max(1));
            let byte = NOISE[self.below(NOISE.len())];
            match self.below(3) {
                0 if at < body.len() => body[at] = byte,
                1 if at < body.len() => drop(body.remove(at)),
                _ => body.insert(at.min(body.len()), byte),
            }
        }
        body
    }

    fn chunks(&mut self, length: usize) -> Vec<usize> {
        let mut chunks = Vec::new();
        let mut rest = length;
        while rest > 0 {
            let chunk = 1 + self.below(rest);
            chunks.push(chunk);
            rest -= chunk;
        }
        chunks
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = mixed ^ (mixed >> 31);
        usize::try_from(drawn % u64::try_from(end).unwrap()).unwrap()
    }
}
