//! What each API's answers come to, whole and cut at every byte.

use std::rc::Rc;

use crate::{End, Format, Meter, Report, ReportText, Usage};

const WHOLE: End = End {
    is_whole: true,
    is_error: false,
    request_bytes: 400,
    unread_bytes: 0,
};
const CUT: End = End {
    is_whole: false,
    ..WHOLE
};

fn report(text: &str) -> Rc<Report> {
    let text: ReportText = serde_json::from_str(text).unwrap();
    Rc::new(Report::compile(&text).unwrap())
}

fn openai() -> Rc<Report> {
    report(
        r#"{"input": ["/usage/prompt_tokens"], "output": ["/usage/completion_tokens"],
            "cached": ["/usage/prompt_tokens_details/cached_tokens"],
            "reasoning": ["/usage/completion_tokens_details/reasoning_tokens"],
            "total": ["/usage/total_tokens"],
            "text": ["/choices/*/delta/content"]}"#,
    )
}

fn anthropic() -> Rc<Report> {
    report(
        r#"{"input": ["/usage/input_tokens|/message/usage/input_tokens",
                      "/usage/cache_read_input_tokens|/message/usage/cache_read_input_tokens"],
            "cached": ["/usage/cache_read_input_tokens|/message/usage/cache_read_input_tokens"],
            "output": ["/usage/output_tokens|/message/usage/output_tokens"],
            "last": ["/type=message_stop"], "text": ["/delta/text"],
            "base64": ["/bytes"]}"#,
    )
}

fn feed(report: &Rc<Report>, format: Format, pieces: &[&[u8]], end: End) -> Usage {
    let mut meter = Meter::new(Rc::clone(report), Some(format));
    pieces.iter().for_each(|piece| meter.feed(piece));
    meter.end(end)
}

/// The same whole, in two pieces cut anywhere, and byte by byte.
fn read(report: &Rc<Report>, format: Format, body: &[u8]) -> Usage {
    let usage = feed(report, format, &[body], WHOLE);
    for at in 0..body.len() {
        let (front, back) = body.split_at(at);
        assert_eq!(
            feed(report, format, &[front, back], WHOLE),
            usage,
            "cut at {at}"
        );
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(feed(report, format, &bytes, WHOLE), usage, "byte by byte");
    usage
}

fn reported(input: u64, cached: u64, output: u64, reasoning: u64) -> Usage {
    Usage {
        input,
        cached,
        output,
        reasoning,
        is_reported: true,
    }
}

#[test]
fn a_json_answer_states_its_figures() {
    let body = br#"{"id":"x","usage":{"prompt_tokens":12.0,"completion_tokens":5,"total_tokens":17,
        "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}"#;
    assert_eq!(read(&openai(), Format::Json, body), reported(12, 4, 5, 2));
}

#[test]
fn a_text_that_quotes_a_report_changes_nothing() {
    let body = br#"{"choices":[{"message":{"content":"{\"usage\":{\"prompt_tokens\":9}} \\"},
        "usage":{"prompt_tokens":8}}],"x":{"usage":{"prompt_tokens":7}},
        "usage":{"prompt_tokens":1,"completion_tokens":2,"x":[{"prompt_tokens":6}]},"y":"\"usage\":"}"#;
    assert_eq!(read(&openai(), Format::Json, body), reported(1, 0, 2, 0));
}

#[test]
fn a_stream_states_them_in_the_event_before_its_end() {
    let body = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\r\n\r\n: ping\n\n\
        event: x\rdata:{\"choices\":[],\ndata:\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n\
        data: [DONE]\n\n";
    let expected = reported(3, 0, 1, 0);
    assert_eq!(read(&openai(), Format::Sse, body), expected);
    assert_eq!(feed(&openai(), Format::Sse, &[body], CUT), expected);
}

#[test]
fn a_total_above_its_parts_counts() {
    let reasoning_outside =
        br#"{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":20}}"#;
    assert_eq!(
        read(&openai(), Format::Json, reasoning_outside),
        reported(10, 0, 10, 0)
    );
    let total_alone = br#"{"usage":{"total_tokens":20}}"#;
    assert_eq!(
        read(&openai(), Format::Json, total_alone),
        reported(20, 0, 0, 0)
    );
}

#[test]
fn figures_of_later_events_replace_those_before_and_missing_ones_do_not() {
    let body = b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10,\
        \"cache_read_input_tokens\":90,\"output_tokens\":1}}}\n\n\
        data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7,\"input_tokens\":null}}\n\n\
        data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";
    let expected = reported(100, 90, 9, 0);
    assert_eq!(read(&anthropic(), Format::Sse, body), expected);
    assert_eq!(feed(&anthropic(), Format::Sse, &[body], CUT), expected);
}

#[test]
fn after_a_cut_the_larger_of_what_was_stated_and_seen_counts_as_estimated() {
    let body = b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10,\
        \"output_tokens\":1}}}\n\n\
        data: {\"delta\":{\"text\":\"12345678 2345678\"}}\n\ndata: {\"delta\":{\"text\":\"\"}}\n\n";
    let usage = feed(&anthropic(), Format::Sse, &[body], CUT);
    assert_eq!(
        (usage.input, usage.output, usage.is_reported),
        (10, 4, false)
    );
}

#[test]
fn an_answer_that_tells_nothing_is_estimated_by_size_and_an_error_is_nothing() {
    let silent = feed(&openai(), Format::Json, &[b"{}"], WHOLE);
    assert_eq!(
        (silent.input, silent.output, silent.is_reported),
        (100, 0, false)
    );
    let error = End {
        is_error: true,
        ..WHOLE
    };
    assert_eq!(
        feed(&openai(), Format::Json, &[b"{}"], error),
        Usage::default()
    );
}

#[test]
fn a_large_body_is_more_than_text_and_its_input_is_estimated_no_further() {
    let of_bytes = |request_bytes| {
        let end = End {
            request_bytes,
            ..WHOLE
        };
        feed(&openai(), Format::Json, &[b"{}"], end).input
    };
    assert_eq!(of_bytes(399_996), 99_999);
    assert_eq!(of_bytes(50 * 1024 * 1024), 100_000);
}

#[test]
fn a_stated_zero_is_a_figure() {
    let body = br#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#;
    assert_eq!(read(&openai(), Format::Json, body), reported(0, 0, 0, 0));
}

#[test]
fn elements_of_an_array_are_documents_and_the_last_counts() {
    let gemini = report(
        r#"{"input": ["/usageMetadata/promptTokenCount"],
            "output": ["/usageMetadata/candidatesTokenCount", "/usageMetadata/thoughtsTokenCount"],
            "reasoning": ["/usageMetadata/thoughtsTokenCount"]}"#,
    );
    let body = br#"[{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}
        ,{"a":[1,[2]],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":2}}]"#;
    assert_eq!(read(&gemini, Format::Json, body), reported(3, 0, 6, 2));
}

#[test]
fn a_star_adds_up_within_one_document_and_begins_anew_with_the_next() {
    let apps = report(r#"{"input": ["/usage/models/*/input_tokens"], "output": []}"#);
    let event = "data: {\"usage\":{\"models\":[{\"input_tokens\":2},{\"input_tokens\":5}]}}\n\n";
    let body = event.repeat(2);
    assert_eq!(
        read(&apps, Format::Sse, body.as_bytes()),
        reported(7, 0, 0, 0)
    );
}

#[test]
fn each_line_is_a_document() {
    let ollama = report(r#"{"input": ["/prompt_eval_count"], "output": ["/eval_count"]}"#);
    let body = b"{\"response\":\"{\"}\n{\"broken\n{\"done\":true,\"prompt_eval_count\":3,\"eval_count\":8}\n";
    assert_eq!(read(&ollama, Format::Lines, body), reported(3, 0, 8, 0));
}

#[test]
fn frames_carry_documents_and_documents_in_base64() {
    // {"type":"message_delta","usage":{"input_tokens":2,"output_tokens":6}}
    let inner = "eyJ0eXBlIjoibWVzc2FnZV9kZWx0YSIsInVzYWdlIjp7ImlucHV0X3Rva2VucyI6Miwib3V0cHV0X3Rva2VucyI6Nn19";
    let mut body = frame(
        b"\x0b:event-type\x07\x00\x05chunk",
        format!("{{\"bytes\":\"{inner}\"}}").as_bytes(),
    );
    body.extend(frame(b"", b"{\"p\":\"abc\"}"));
    assert_eq!(
        read(&anthropic(), Format::EventStream, &body),
        reported(2, 0, 6, 0)
    );
}

fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let size = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    let mut frame = Vec::new();
    frame.extend(size(headers.len() + payload.len() + 16));
    frame.extend(size(headers.len()));
    frame.extend([0; 4]);
    frame.extend(headers);
    frame.extend(payload);
    frame.extend([0; 4]);
    frame
}

#[test]
fn headers_state_figures_without_a_body() {
    let tei = report(r#"{"input": ["X-Compute-Tokens"]}"#);
    assert_eq!(tei.header_names().collect::<Vec<_>>(), ["x-compute-tokens"]);
    let mut meter = Meter::new(tei, None);
    meter.header("x-compute-tokens", b" 11 ");
    meter.header("x-compute-time", b"12");
    assert_eq!(meter.end(CUT), reported(11, 0, 0, 0));
}

#[test]
fn what_is_no_report_is_refused_with_a_reason() {
    for (text, reason) in [
        (r#"{"last": ["/type"]}"#, "POINTER=TEXT"),
        (r#"{"text": ["type"]}"#, "begins with `/`"),
        (r#"{"text": ["/a//b"]}"#, "1 to 48 bytes"),
        (r#"{"input": ["/a"], "text": ["/a"]}"#, "two meanings"),
    ] {
        let text: ReportText = serde_json::from_str(text).unwrap();
        let error = Report::compile(&text).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn content_types_name_forms() {
    for (value, format) in [
        ("text/event-stream; charset=utf-8", Some(Format::Sse)),
        ("Application/JSON", Some(Format::Json)),
        ("application/problem+json", Some(Format::Json)),
        ("application/x-ndjson", Some(Format::Lines)),
        (
            "application/vnd.amazon.eventstream",
            Some(Format::EventStream),
        ),
        ("audio/mpeg", None),
        ("", None),
    ] {
        assert_eq!(Format::of_content_type(value.as_bytes()), format, "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_cuts_change_nothing(
        body in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::sample::select(b"{}[]\",:\\/ \n\r0123e-.".to_vec()),
                proptest::sample::select(b"usageprompt_tokens*data[DONE]".to_vec()),
                proptest::prelude::any::<u8>(),
            ],
            0..200,
        ),
        at in 0usize..200,
        form in proptest::sample::select(vec![Format::Json, Format::Lines, Format::Sse, Format::EventStream]),
    ) {
        let (front, back) = body.split_at(at.min(body.len()));
        let whole = feed(&anthropic(), form, &[&body], WHOLE);
        proptest::prop_assert_eq!(feed(&anthropic(), form, &[front, back], WHOLE), whole);
    }
}
