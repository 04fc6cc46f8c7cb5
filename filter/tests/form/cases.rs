//! Hostile fields, each with its answer, however the form is cut into pieces.

use super::{beside, end, file, one, outcome, refused, request, rig, send};
use crate::support::form;
use crate::support::form::{content_type, part};

#[test]
fn the_model_may_stand_before_and_after_a_file() {
    let rig = rig();
    let sound = "x\r\n--y\rz\n".repeat(500_000);
    for (model, status) in [("good-1", 200), ("bad-1", 403)] {
        let model = part("name=\"model\"", model);
        for body in [
            [model.clone(), file("sound"), end()].concat(),
            [file("sound"), model.clone(), end()].concat(),
        ] {
            assert_eq!(outcome(&rig, &body), status, "{body}");
        }
        for body in [
            [model.clone(), file(&sound), end()].concat(),
            [file(&sound), model, end()].concat(),
        ] {
            let chunks: Vec<&[u8]> = body.as_bytes().chunks(65_537).collect();
            assert_eq!(send(&rig, &content_type(), &chunks), status);
        }
    }
}

#[test]
fn a_second_model_is_refused_in_both_orders() {
    let rig = rig();
    let form = |first, second| form(&[("model", first), ("x", "y"), ("model", second)]);
    refused(&rig, &[form("good-1", "bad-1"), form("good-1", "good-1")]);
    assert_eq!(
        outcome(&rig, form("bad-1", "good-1")),
        403,
        "the first is known to be bad"
    );
}

#[test]
fn a_form_without_a_model() {
    let rig = rig();
    refused(
        &rig,
        &[
            form(&[]),
            form(&[("x", "y")]),
            form(&[("prompt", "model")]),
            end(),
        ],
    );
    assert_eq!(outcome(&rig, ""), 400);
}

#[test]
fn names_of_the_strict_grammar() {
    let rig = rig();
    for parameters in [
        "name=\"model\"",
        "name=model",
        "NAME=\"model\"",
        "Name=model",
        " name=\"model\" ",
    ] {
        assert_eq!(
            outcome(&rig, one(parameters, "good-1")),
            200,
            "{parameters}"
        );
        assert_eq!(outcome(&rig, one(parameters, "bad-1")), 403, "{parameters}");
    }
    let odd = [
        "name='model'",
        "name = \"model\"",
        "name= \"model\"",
        "name=\"mod\\el\"",
        "name=\"mo\\\"del\"",
        "name=\"model\"; name=\"x\"",
        "name=\"x\"; name=\"model\"",
        "name=\"model\";",
        "name=\"model",
        "name=model\"",
        "name=\"model\" x",
        "name=\"model\"; x=y",
        "name",
        "name=",
        "",
    ];
    refused(&rig, &odd.map(|parameters| one(parameters, "good-1")));
    refused(&rig, &odd.map(beside));
}

#[test]
fn nothing_but_the_name_looks_like_one() {
    let rig = rig();
    for parameters in [
        // Readers by regular expression take the first `name=` behind a quote.
        "filename=\"name=model\"; name=\"x\"",
        "filename=\"a;name=model\"; name=\"x\"",
        "filename=\"a; NAME = model; b\"; name=\"x\"",
        "name=\"x\"; filename=\"name=model\"",
        "name=\"x\"; filename=\"; name*=utf-8''model\"",
        "name=\"x\"; filename=\"; name*0*=model\"",
        "name=\"name=model\"",
        "name=\"x;filename=model\"",
        "name=\"model;x\"",
        "name=\"x;name=model\"; filename=\"a\"",
        // Without quotes, readers end a name at different characters.
        "name=svg[model]",
        "name=model[]",
        // Who knows no escapes sees another name.
        "filename=\"a\\\"; name=\"model\"; x=\"\"; name=\"x\"",
        "filename=\"a\\\"; name=\"x\"",
        "filename=\"a\\\\\"; name=\"x\"",
        "name=\"x\\\"; filename=\"y\"",
        "name=\"x\"; filename=\"a\\\"; name=\\\"model\"",
    ] {
        refused(&rig, &[one(parameters, "good-1"), beside(parameters)]);
    }
}

#[test]
fn file_names_are_what_clients_make_of_them() {
    let rig = rig();
    for parameters in [
        "name=\"file\"; filename=\"my \\\"best\\\" song.wav\"",
        "name=\"file\"; filename=\"C:\\\\sounds\\\\a.wav\"",
        "name=\"file\"; filename=\"a;b, c (name).wav\"",
        "name=\"file\"; filename=\"rename.wav\"; filename*=utf-8''n%C3%A4me.wav",
        "filename=\"a;b.wav\"; name=\"file\"",
        // Not escaped, as Faraday, Guzzle and Netty write it.
        "name=\"file\"; filename=\"a \"b\".wav\"",
        "name=\"file\"; filename=\"\"a\"\"",
        // As Jersey writes it.
        "filename=\"a.wav\"; modification-date=\"Tue, 01 Dec 2026 13:00:00 GMT\"; size=3; name=\"file\"",
    ] {
        assert_eq!(outcome(&rig, beside(parameters)), 200, "{parameters}");
    }
    for parameters in [
        "name=\"file\"; filename=\"a \"; name=\"model\"",
        "name=\"file\"; filename=\"a \"b=c\"",
        "name=\"file\"; filename=\"a \"b\\\"\"",
        "name=\"file\"; filename=\"a \"b\" c",
        "filename=\"a \"b\"\"; name=\"file\"",
        "name=\"file\"; size=3; filename=\"a\"; name=\"model\"",
        "name=\"file\"; modification-date=\"; name=model\"",
    ] {
        refused(&rig, &[beside(parameters)]);
    }
}

#[test]
fn extended_parameters_are_no_names() {
    let rig = rig();
    for parameters in [
        "name*=utf-8''model",
        "name=\"x\"; name*=utf-8''model",
        "name*0=\"mo\"; name*1=\"del\"",
        "name=\"=?utf-8?q?model?=\"",
        "name*0*=utf-8''mo; name*1=del",
    ] {
        refused(&rig, &[one(parameters, "good-1"), beside(parameters)]);
    }
}

#[test]
fn look_alikes_beside_the_model_are_refused() {
    let rig = rig();
    let names = [
        "model[]",
        "model[0]",
        "model[x]",
        "model.x",
        "Model",
        "MODEL",
        "model ",
        " model",
        "[model]",
        "model]",
        "'model'",
        "model[",
        "model\u{200b}",
        "\u{feff}model",
        "\u{a0}model",
        "\tmodel",
    ];
    refused(&rig, &names.map(|name| beside(&format!("name=\"{name}\""))));
    for name in ["models_used", "model_version", "x[model]", "fallbacks[]"] {
        let beside = beside(&format!("name=\"{name}\""));
        assert_eq!(outcome(&rig, &beside), 403, "{name} chooses by its name");
    }
    for name in ["mode", "metadata[model]", "x", "timestamp_granularities[]"] {
        assert_eq!(
            outcome(&rig, beside(&format!("name=\"{name}\""))),
            200,
            "{name}"
        );
    }
}

#[test]
fn a_model_that_is_a_file_is_refused() {
    let rig = rig();
    for file in [
        "filename=\"a.txt\"",
        "filename=a",
        "filename=\"\"",
        "filename*=utf-8''a",
    ] {
        refused(
            &rig,
            &[
                one(&format!("name=\"model\"; {file}"), "good-1"),
                one(&format!("{file}; name=\"model\""), "bad-1"),
                beside(&format!("name=\"model\"; {file}")),
            ],
        );
    }
}

#[test]
fn values_are_names_as_they_stand() {
    let rig = rig();
    let value = |value: &str| one("name=\"model\"", value);
    for odd in [
        "good-1\r\n",
        " good-1",
        "good-1 ",
        "good-1\n",
        "\ngood-1",
        "",
        " ",
        "good-1\0",
        "\0",
        "good-1\u{200b}",
        "\u{feff}good-1",
        "good-1\t",
        "good-1\u{a0}",
    ] {
        assert_eq!(outcome(&rig, value(odd)), 400, "{odd:?}");
    }
    for other in [
        "good-2",
        "GOOD-1",
        "good-1,bad-1",
        "\"good-1\"",
        "good-1\u{301}",
        "go%6Fd-1",
    ] {
        assert_eq!(outcome(&rig, value(other)), 403, "{other:?}");
    }
    let long = value(&"m".repeat(1 << 20));
    assert_eq!(send(&rig, &content_type(), &[long.as_bytes()]), 400);
    assert_eq!(
        send(&rig, &content_type(), &[value(&"m".repeat(257)).as_bytes()]),
        400
    );
    assert_eq!(
        send(&rig, &content_type(), &[value(&"m".repeat(256)).as_bytes()]),
        403
    );
    let latin = [
        b"--7d3f1c\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngood-\xff\r\n"
            .as_slice(),
        end().as_bytes(),
    ]
    .concat();
    assert_eq!(outcome(&rig, latin), 400);
}

#[test]
fn form_query_and_path_must_all_be_in_scope() {
    let rig = rig();
    let body = form(&[("model", "good-1")]);
    let send = |path: &str| {
        let request = request(&rig.holding, &content_type()).with(":path", path);
        request.send(&[body.as_bytes()]).answered()
    };
    assert_eq!(send("/v1/audio/transcriptions?model=good-1"), 200);
    assert_eq!(send("/v1/audio/transcriptions?model=bad-1"), 403);
    assert_eq!(send("/openai/deployments/bad-1/audio/transcriptions"), 403);
    assert_eq!(send("/openai/deployments/good-1/audio/transcriptions"), 200);
}

#[test]
fn json_in_a_field_is_read_like_a_body() {
    let rig = rig();
    let send = |session: &str| {
        let kind = "name=\"session\"\r\nContent-Type: application/json";
        let body = [part("name=\"sdp\"", "v=0"), part(kind, session), end()].concat();
        let request = request(&rig.holding, &content_type()).with(":path", "/v1/realtime/calls");
        request.send(&[body.as_bytes()]).answered()
    };
    assert_eq!(send(r#"{"type":"realtime","model":"good-1"}"#), 200);
    assert_eq!(send(r#"{"model":"bad-1"}"#), 403);
    assert_eq!(
        send(r#"{"model":"good-1","audio":{"input":{"transcription":{"model":"bad-1"}}}}"#),
        403
    );
    assert_eq!(send(r#"{"type":"realtime"}"#), 403, "it names nothing");
    for odd in [
        r#"{"model":"good-1","model":"good-1"}"#,
        r#"{"model":"good-1","Model":"bad-1"}"#,
        r#"{"model":["good-1"]}"#,
        r#"{"model":"good-1""#,
        r#"{"model":"good-1"}{}"#,
        r#"["good-1"]"#,
        "",
    ] {
        assert_eq!(send(odd), 400, "{odd}");
    }
}

#[test]
fn brackets_lead_to_the_members_of_one_field() {
    let rig = rig();
    let send = |fields: &[(&str, &str)]| {
        let request = request(&rig.holding, &content_type()).with(":path", "/v1/images/edits");
        request.send(&[form(fields).as_bytes()]).answered()
    };
    let model = ("model", "good-1");
    assert_eq!(
        send(&[
            model,
            ("svg[model]", "good-1"),
            ("svg[reasoning][effort]", "low")
        ]),
        200
    );
    assert_eq!(send(&[model, ("svg[model]", "bad-1")]), 403);
    for name in [
        "svg",
        "SVG[model]",
        "svg[Model]",
        "svg.model",
        "svg[model][]",
        "svg[][model]",
        "svg[ model ]",
    ] {
        assert_eq!(send(&[model, (name, "bad-1")]), 400, "{name}");
    }
    assert_eq!(
        send(&[model, ("svg[model]", "good-1"), ("svg[model]", "good-1")]),
        400
    );
    assert_eq!(send(&[model, ("image[]", "PNG"), ("image[]", "PNG")]), 200);
}
