//! Where a body takes the word that its stream shall state what it uses: for each body one place or none, however
//! it is cut.

use filter::json::{StreamOptions, UsagePlace};

/// A body with `@` at its end or at that of its options, `#` in options that are empty; and bodies without a
/// place.
const BODIES: &[&str] = &[
    r#"{"stream":true@}"#,
    r#" { "model" : "m" , "stream" : true @} "#,
    r#"{"stream":true,"messages":[{"content":"} \" } stream_options"}],"n":1@}"#,
    r#"{"stream":true,"tools":[{"stream_options":{"include_usage":true}}]@}"#,
    r#"{"stream":false,"x":{"stream":false},"stream":true@}"#,
    r#"{"stre\u0061m":true@}"#,
    "{\"stream\":true,\"user\":\"\u{20ac}}\"@}",
    r#"{"stream":true,"stream_options":{#}}"#,
    r#"{"stream":true,"stream_options":{"a":{"include_usage":1},"b":[{}]@}}"#,
    r#"{"stream_options":{"include_obfuscation":false@},"stream":true}"#,
    r#"{"stream_options":{#},"stream_options":{}}"#,
    // The client speaks of it, or of something else in its place.
    r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
    r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
    r#"{"stream":true,"stream_options":{"include_usage":null}}"#,
    r#"{"stream":true,"stream_options":{"include\u005fusage":false}}"#,
    r#"{"stream":true,"stream_options":{"continuous_usage_stats":true}}"#,
    r#"{"stream":true,"stream_options":null}"#,
    r#"{"stream":true,"stream_options":[{}]}"#,
    r#"{"stream":true,"Stream_Options":{}}"#,
    r#"{"stream":true,"stream_opt\u0069ons":false}"#,
    // There is no stream.
    r#"{"stream":false}"#,
    r#"{"stream":false,"stream_options":{}}"#,
    r#"{"stream":null}"#,
    r#"{"stream":"true"}"#,
    r#"{"stream":{}}"#,
    r#"{"stream":true,"stream":1}"#,
    r#"{"a":{"stream":true}}"#,
    r#"{"model":"stream","true":1}"#,
    "{}",
    // It is no object, or no JSON.
    r#"[{"stream":true}]"#,
    r#""stream""#,
    r#"{"stream":true,}"#,
    r#"{"stream":true"#,
    "\u{feff}{\"stream\":true}",
    "",
];

fn marked(pieces: &[&[u8]]) -> Vec<u8> {
    let mut reader = StreamOptions::default();
    let mut out = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        if let Some((at, place)) = reader.feed(&piece) {
            let mark = match place {
                UsagePlace::Options { is_empty: true } => b'#',
                UsagePlace::Options { is_empty: false } | UsagePlace::Body => b'@',
            };
            piece.insert(at, mark);
        }
        out.extend(piece);
    }
    out
}

#[test]
fn each_body_has_one_place_or_none_wherever_it_is_cut() {
    for wanted in BODIES {
        let body = wanted.replace(['@', '#'], "");
        let body = body.as_bytes();
        let seen = |pieces: &[&[u8]]| String::from_utf8(marked(pieces)).unwrap();
        assert_eq!(&seen(&[body]), wanted);
        let single: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(&seen(&single), wanted, "byte by byte");
        for at in 0..body.len() {
            let (front, back) = body.split_at(at);
            assert_eq!(&seen(&[front, back]), wanted, "cut at {at}");
        }
    }
}

#[test]
fn the_place_is_told_apart() {
    let place = |body: &str| StreamOptions::default().feed(body.as_bytes());
    assert_eq!(place(r#"{"stream":true}"#), Some((14, UsagePlace::Body)));
    let options = UsagePlace::Options { is_empty: false };
    assert_eq!(place(r#"{"stream_options":{"a":1}}"#), Some((24, options)));
}
