//! `latchkey key check`: would the gate let a request in?
//!
//! Does not judge: the sidecar asks the gate's own rules. Invariant: 0 is yes, 8 is no, so that a
//! script can ask.

use std::path::Path;

use serde_json::{Map, Value};

use crate::args::key::CheckArgs;
use crate::client::Call;
use crate::commands::request::given;
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::input;
use crate::output::Column;

const LINES: [Column; 7] = [
    ("decision", "/decision"),
    ("status", "/status"),
    ("code", "/code"),
    ("reason", "/reason"),
    ("resource", "/resource"),
    ("rule", "/rule"),
    ("decided by", "/decided_by"),
];

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<(), CliError> {
    let body = request(args)?;
    let id = context.key_id(&args.key)?;
    let call = Call::post(context.key(&id, "/check"), Value::Object(body));
    let answer = context.client.call(&call)?.body;
    context.format.one(&answer, &LINES);
    match text(&answer, "decision") {
        "permit" => Ok(()),
        _ => Err(CliError::No),
    }
}

fn request(args: &CheckArgs) -> Result<Map<String, Value>, CliError> {
    let word = |text: &Option<String>| text.as_deref().map(Value::from);
    let models = args.models.iter().map(String::as_str).collect::<Value>();
    let payload = |path: &Path| input::text(path).map(Value::from);
    Ok(given(&[
        ("path", word(&args.path)),
        ("method", word(&args.method)),
        ("ip", word(&args.ip)),
        ("at", word(&args.at)),
        ("model", (!args.models.is_empty()).then_some(models)),
        ("body", args.body.as_deref().map(payload).transpose()?),
        ("headers", headers(&args.headers)?),
    ]))
}

fn headers(texts: &[String]) -> Result<Option<Value>, CliError> {
    let header = |text: &String| {
        let advice = || CliError::Usage(format!("--header {text:?}: write it as 'name: value'"));
        let (name, value) = text.split_once(':').ok_or_else(advice)?;
        Ok((name.trim().to_owned(), Value::from(value.trim())))
    };
    let headers: Map<String, Value> = texts.iter().map(header).collect::<Result<_, CliError>>()?;
    Ok((!headers.is_empty()).then_some(Value::Object(headers)))
}
