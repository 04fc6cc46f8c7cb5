//! Whatever a reference parser reads as a `model` out of scope is refused: multer, and a lenient
//! reader that takes any part whose head has anything like the name.
//!
//! `FILTER_SEED` repeats a run, `FILTER_FORMS` says how many. Does not ask the reader to accept
//! anything but honest forms.

use std::convert::Infallible;
use std::env;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use filter::form::FormReader;
use filter::locator::FormField;
use futures_util::stream;
use multer::Multipart;

use crate::support::Random;

/// Runs what has all it needs.
fn finished<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("a form in memory is there at once")
}

/// Every `model` that multer reads, up to the first fault.
fn multer_models(body: &[u8], boundary: &str) -> Vec<String> {
    let chunk = Ok::<Vec<u8>, Infallible>(body.to_vec());
    let mut form = Multipart::new(stream::iter([chunk]), boundary);
    let mut models = Vec::new();
    finished(async {
        while let Ok(Some(field)) = form.next_field().await {
            let is_model = field.name() == Some("model");
            match field.text().await {
                Ok(text) if is_model => models.push(text),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    models
}

/// The values of every part that a careless reader could take for the model: split wherever the
/// boundary stands, lines ended by anything, the name found without regard to case or grammar.
fn careless_models(body: &[u8], boundary: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(body)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let delimiter = format!("--{boundary}");
    let parts = text.split(&delimiter).skip(1);
    let models = parts.filter_map(|part| {
        let (head, value) = part.split_once("\n\n")?;
        let head = head
            .to_lowercase()
            .replace(['"', '\'', '\\', ' ', '\t'], "");
        let named = ["name=model", "name*=utf-8''model"]
            .iter()
            .filter_map(|name| Some(head.split_once(*name)?.1))
            .any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        named.then(|| value.trim_matches(['\n', ' ']).to_owned())
    });
    models.collect()
}

/// Whether our reader lets the form pass for a key that may call `good` alone.
fn passes(body: &[u8], content_type: &str, random: &mut Random) -> bool {
    let field = FormField {
        name: "model".to_owned(),
        is_read: true,
        json: [].into(),
    };
    let Some(mut reader) = FormReader::new(content_type.as_bytes(), [field].into()) else {
        return false;
    };
    let (front, back) = body.split_at(random.below(body.len() + 1));
    let read = reader.feed(front).and_then(|()| reader.feed(back));
    let names = reader.take_names();
    read.and_then(|()| reader.finish()).is_ok()
        && !names.is_empty()
        && names.iter().all(|name| name.name == "good")
}

fn pick<'a>(random: &mut Random, texts: &[&'a str]) -> &'a str {
    texts[random.below(texts.len())]
}

/// What a disposition may say of the name; the first ones are honest.
const NAMES: [&str; 22] = [
    "name=\"model\"",
    "name=\"x\"",
    "name=\"x\"",
    "name=\"file\"; filename=\"a\"",
    "name=model",
    "NAME=\"model\"",
    "name=\"Model\"",
    "name=\"model[]\"",
    "name='model'",
    "name=\"model\"; filename=\"a\"",
    "filename=\"a\"; name=\"model\"",
    "name=\"model\"; filename*=utf-8''a",
    "name*=utf-8''model",
    "name=\"x\"; name*=utf-8''model",
    "name=\"x\"; name=\"model\"",
    "name=\"model\"; name=\"x\"",
    "name=\"mo\\del\"",
    "name=\"model\" ",
    "name=\"model\";",
    "name = \"model\"",
    "name=\"\tmodel\"",
    "name=\"x\r\n name=\"model\"",
];

fn part(random: &mut Random, boundary: &str) -> String {
    let honest = random.chance(60);
    let name = pick(random, if honest { &NAMES[..4] } else { &NAMES });
    let disposition = pick(random, &["Content-Disposition", "content-disposition"]);
    let line = match random.below(if honest { 3 } else { 10 }) {
        3 => "\r\nContent-Transfer-Encoding: base64",
        4 => "\r\nContent-Type: multipart/mixed; boundary=z",
        5 => "\r\nContent-Disposition: form-data; name=\"model\"",
        6 => "\r\nContent-Type: text/plain; charset=utf-16",
        7 => "\r\n folded",
        8 => "\r\nContent-Type: text/plain",
        _ => "",
    };
    let value = match random.below(17) {
        0..=5 => "good".to_owned(),
        6..=9 => "bad".to_owned(),
        10 => format!("x\r\n--{boundary}\r\n{disposition}: form-data; {name}\r\n\r\nbad"),
        11 => format!("good\r\n--{boundary}x"),
        13 => format!("--{boundary}\r\n{disposition}: form-data; {name}\r\n\r\nbad"),
        14 => format!("x\n--{boundary}\r\n{disposition}: form-data; {name}\r\n\r\nbad"),
        15 => format!("x\r--{boundary}\r{disposition}: form-data; {name}\r\rbad"),
        12 => "good\r\n".to_owned(),
        _ => "\r\n--\r\n-".to_owned(),
    };
    format!("--{boundary}\r\n{disposition}: form-data; {name}{line}\r\n\r\n{value}\r\n")
}

/// A form of few parts, now and then damaged as attackers do.
fn form(random: &mut Random, boundary: &str) -> Vec<u8> {
    let parts: Vec<String> = (0..random.below(4))
        .map(|_| part(random, boundary))
        .collect();
    let mut text = format!("{}--{boundary}--\r\n", parts.concat());
    match random.below(24) {
        0 => text.insert_str(0, "preamble\r\n"),
        1 => text.insert_str(0, "\r\n"),
        2 => text.push_str(&part(random, boundary)),
        3 => text = text.replace("\r\n", "\n"),
        4 => text = text.replacen("\r\n", "\n", 1 + random.below(4)),
        5 => {
            text = text.replacen(
                &format!("--{boundary}\r\n"),
                &format!("--{boundary} \r\n"),
                2,
            )
        }
        6 => text = text.replace(&format!("--{boundary}--\r\n"), ""),
        7 => text.truncate(random.below(text.len())),
        _ => {}
    }
    let mut bytes = text.into_bytes();
    if random.chance(5) && !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] = *b"\r\n\0\xff-\":;= ".get(random.below(10)).unwrap();
    }
    bytes
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn what_any_parser_would_read_out_of_scope_is_refused() {
    let (seed, forms) = (number("FILTER_SEED", 1), number("FILTER_FORMS", 30_000));
    println!("FILTER_SEED={seed} FILTER_FORMS={forms}");
    let mut random = Random::new(seed);
    let (mut passed, mut bad) = (0, [0; 2]);
    for _ in 0..forms {
        let boundary = pick(&mut random, &["b", "--x", "7d3f1c"]);
        let body = form(&mut random, boundary);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let pass = passes(&body, &content_type, &mut random);
        let readings = [
            multer_models(&body, boundary),
            careless_models(&body, boundary),
        ];
        for (models, bad) in readings.iter().zip(&mut bad) {
            let is_bad = models.iter().any(|model| model != "good");
            assert!(
                !(pass && is_bad),
                "FILTER_SEED={seed}: {models:?} {}",
                body.escape_ascii()
            );
            *bad += u64::from(is_bad);
        }
        passed += u64::from(pass);
    }
    assert!(passed > forms / 50, "only {passed} of {forms} pass");
    assert!(
        bad.iter().all(|bad| *bad > forms / 20),
        "only {bad:?} of {forms}"
    );
}
