//! `render`: the bootstrap as a file, for an Envoy that something else starts.
//!
//! It is the demo's own template with other values. Invariant: an option that is not understood is
//! an error, and nothing is printed but a bootstrap.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser};

use crate::address::HostPort;
use crate::bootstrap::{Addition, Bootstrap, Place, Tls};
use crate::command_line;
use crate::lease::MaxStaleness;

/// The command line, as it is declared.
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo run --package envoy --bin render --",
    about = "prints the bootstrap of an Envoy",
    args_override_self = true,
    disable_help_flag = true
)]
struct Arguments {
    /// the sidecar's feed
    #[arg(long, value_name = "HOST:PORT")]
    sidecar: HostPort,
    /// the model servers
    #[arg(long, value_name = "HOST:PORT")]
    upstream: HostPort,
    /// the feed speaks TLS: who must have signed its certificate (PEM),
    /// which must be HOST's
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    sidecar_ca: Option<PathBuf>,
    /// where clients call
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:10000")]
    listen: SocketAddr,
    /// Envoy's admin interface, on loopback
    #[arg(long, value_name = "PORT", default_value_t = 9901)]
    admin_port: u16,
    /// name of this Envoy, unique in its fleet
    #[arg(long, value_name = "NAME", default_value = "envoy")]
    node: String,
    /// whose keys
    #[arg(long, value_name = "REGION", default_value = crate::sidecar::REGION)]
    region: String,
    /// how long to go on without the sidecar: 5s or more, 10m, never
    /// (default: 1h)
    #[arg(long, value_name = "LEASE", verbatim_doc_comment)]
    max_staleness: Option<MaxStaleness>,
    /// size of Envoy's heap at which it takes no more requests; below
    /// the memory that it may have
    #[arg(
        long,
        value_name = "BYTES",
        verbatim_doc_comment,
        default_value_t = crate::bootstrap::HEAP_BYTES_MAX
    )]
    heap_bytes_max: u64,
    /// start from a signed table of this public key (docs/recipes.md)
    #[arg(long, value_name = "HEX", alias = "sealed-table-key")]
    signed_table_key: Option<String>,
    /// the filter
    #[arg(long, value_name = "FILE", default_value = "/etc/latchkey/filter.wasm")]
    filter: PathBuf,
    /// holds `Bearer <token>`
    #[arg(long, value_name = "FILE", default_value = "/etc/latchkey/feed-token")]
    feed_token_file: PathBuf,
    /// where each request is logged
    #[arg(long, value_name = "FILE", default_value = "/dev/stdout")]
    access_log: PathBuf,
    /// serves clients over TLS with this certificate (PEM, its issuers
    /// behind it); needs --tls-key
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    tls_certificate: Option<PathBuf>,
    /// its private key (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// puts YAML at a place of the template; may be repeated. Places:
    /// secrets, listener_filters, connection_manager, access_log_fields,
    /// before_gate, gate_rights, http_filters, virtual_host, routes, listeners, clusters
    #[arg(long, value_name = "PLACE=FILE", verbatim_doc_comment, value_parser = addition)]
    add: Vec<Addition>,
    /// this text
    #[arg(long, short_alias = 'h', action = ArgAction::Help)]
    help: Option<bool>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum RenderCommand {
    /// To read the help.
    Help,
    /// A bootstrap.
    Print(Box<Bootstrap>),
}

/// A command line that is not understood, and what to write.
#[derive(Debug)]
pub struct InvalidOption(String);

/// The whole program.
pub fn run() -> ExitCode {
    match parse(std::env::args_os()) {
        Ok(RenderCommand::Help) => {
            eprint!("{}", help());
            ExitCode::SUCCESS
        }
        Ok(RenderCommand::Print(bootstrap)) => print(&bootstrap),
        Err(invalid) => {
            eprint!("render: {invalid}\n\n{}", help());
            ExitCode::from(2)
        }
    }
}

fn print(bootstrap: &Bootstrap) -> ExitCode {
    let rendered = bootstrap.render().map_err(|error| error.to_string());
    let written = rendered.and_then(|yaml| {
        let written = io::stdout().write_all(yaml.as_bytes());
        written.map_err(|error| error.to_string())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("render: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// What `--help` prints.
fn help() -> String {
    Arguments::command().render_help().to_string()
}

/// Reads the words of a command line, the program's name first.
pub fn parse(
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<RenderCommand, InvalidOption> {
    match Arguments::try_parse_from(words) {
        Ok(arguments) => {
            let bootstrap = bootstrap(arguments)?;
            Ok(RenderCommand::Print(Box::new(bootstrap)))
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(RenderCommand::Help),
        Err(error) => Err(InvalidOption(command_line::told(&error))),
    }
}

fn bootstrap(arguments: Arguments) -> Result<Bootstrap, InvalidOption> {
    Ok(Bootstrap {
        node_id: arguments.node,
        admin_port: arguments.admin_port,
        listen_address: arguments.listen.ip(),
        listen_port: arguments.listen.port(),
        filter_wasm: arguments.filter,
        feed_token_file: arguments.feed_token_file,
        access_log: arguments.access_log,
        region: arguments.region,
        max_staleness: arguments.max_staleness.unwrap_or_default(),
        signed_table_key: arguments.signed_table_key,
        gate_settings: serde_json::Map::new(),
        heap_bytes_max: arguments.heap_bytes_max,
        sidecar: arguments.sidecar,
        sidecar_ca: arguments.sidecar_ca,
        upstream: arguments.upstream,
        tls: tls(arguments.tls_certificate, arguments.tls_key)?,
        additions: arguments.add,
    })
}

fn tls(
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
) -> Result<Option<Tls>, InvalidOption> {
    match (certificate, private_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(private_key)) => Ok(Some(Tls {
            certificate,
            private_key,
        })),
        _ => Err(InvalidOption(
            "--tls-certificate and --tls-key belong together: give both".to_owned(),
        )),
    }
}

fn addition(text: &str) -> Result<Addition, String> {
    let (place, file) = text.split_once('=').ok_or("write PLACE=FILE")?;
    let place = Place::of_name(place).ok_or("there is no such place")?;
    let yaml = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(Addition { place, yaml })
}

// === impl InvalidOption ===

impl fmt::Display for InvalidOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidOption {}

#[cfg(test)]
mod tests;
