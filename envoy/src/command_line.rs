//! What a parser of a command line says, in one sentence of ours.
//!
//! Does not know any option. Invariant: the option that is wrong is named, with what to write.

use std::error::Error;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Why a command line is not understood.
pub(crate) fn told(error: &clap::Error) -> String {
    let option = option(error);
    let name = option.split([' ', '=', '[']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => format!("there is no option {option}"),
        ErrorKind::MissingRequiredArgument => format!("{option} must be given"),
        ErrorKind::ValueValidation => {
            let advice = error.source().map(ToString::to_string);
            format!("{name}: {}", advice.unwrap_or_default())
        }
        _ => {
            let said = error.to_string();
            let first = said.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        }
    }
}

/// The first option that an error is about, as `--data DIR`.
fn option(error: &clap::Error) -> String {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.as_str(),
        Some(ContextValue::Strings(options)) => options.first().map_or("", String::as_str),
        _ => "",
    };
    option.replace(['<', '>'], "")
}
