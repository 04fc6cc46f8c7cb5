//! `render`: the bootstrap as a file, for an Envoy that something else starts.
//!
//! It is the demo's own template with other values. Invariant: an option that is not understood is
//! an error, and nothing is printed but a bootstrap.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use crate::address::HostPort;
use crate::bootstrap::{Addition, Bootstrap, Place, Tls};

const HELP: &str = "\
cargo run --package envoy --bin render -- --sidecar HOST:PORT --upstream HOST:PORT [OPTIONS]
prints the bootstrap of an Envoy

  --sidecar HOST:PORT        the sidecar's feed
  --upstream HOST:PORT       the model servers
  --sidecar-ca FILE          the feed speaks TLS: who must have signed its certificate (PEM), which
                             must be HOST's
  --listen ADDRESS:PORT      where clients call (default: 0.0.0.0:10000)
  --admin-port PORT          Envoy's admin interface, on loopback (default: 9901)
  --node NAME                name of this Envoy, unique in its fleet (default: envoy)
  --region REGION            whose keys (default: local)
  --max-staleness LEASE      how long to go on without the sidecar: 5s or more, 10m, never
                             (default: 1h)
  --heap-bytes-max BYTES     size of Envoy's heap at which it takes no more requests (default:
                             2147483648); below the memory that it may have
  --signed-table-key HEX     start from a signed table of this public key (docs/recipes.md)
  --filter FILE              the filter (default: /etc/latchkey/filter.wasm)
  --feed-token-file FILE     holds `Bearer <token>` (default: /etc/latchkey/feed-token)
  --access-log FILE          (default: /dev/stdout)
  --tls-certificate FILE     serves clients over TLS with this certificate (PEM, its issuers
                             behind it); needs --tls-key
  --tls-key FILE             its private key (PEM)
  --add PLACE=FILE           puts YAML at a place of the template; may be repeated. Places:
                             secrets, listener_filters, connection_manager, access_log_fields,
                             before_gate, http_filters, virtual_host, routes, listeners, clusters
  --help                     this text
";

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
    match parse(Parser::from_env()) {
        Ok(RenderCommand::Help) => {
            eprint!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(RenderCommand::Print(bootstrap)) => print(&bootstrap),
        Err(invalid) => {
            eprintln!("render: {invalid}\n\n{HELP}");
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

/// Reads a command line.
pub fn parse(mut parser: Parser) -> Result<RenderCommand, InvalidOption> {
    let (mut sidecar, mut upstream) = (None, None);
    let (mut certificate, mut private_key) = (None, None);
    let mut others = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(RenderCommand::Help),
            Arg::Long("sidecar") => sidecar = Some(parsed("sidecar", &parser.value()?)?),
            Arg::Long("upstream") => upstream = Some(parsed("upstream", &parser.value()?)?),
            Arg::Long("tls-certificate") => certificate = Some(parser.value()?.into()),
            Arg::Long("tls-key") => private_key = Some(parser.value()?.into()),
            Arg::Long(name) => {
                let name = name.to_owned();
                others.push((name, parser.value()?));
            }
            Arg::Short(_) | Arg::Value(_) => return Err(argument.unexpected().into()),
        }
    }
    let mut bootstrap = bootstrap(
        sidecar.ok_or_else(|| missing("sidecar"))?,
        upstream.ok_or_else(|| missing("upstream"))?,
    );
    bootstrap.tls = tls(certificate, private_key)?;
    for (name, value) in &others {
        set(&mut bootstrap, name, value)?;
    }
    Ok(RenderCommand::Print(Box::new(bootstrap)))
}

/// The bootstrap without further options.
fn bootstrap(sidecar: HostPort, upstream: HostPort) -> Bootstrap {
    Bootstrap {
        node_id: "envoy".to_owned(),
        admin_port: 9901,
        listen_address: IpAddr::from([0, 0, 0, 0]),
        listen_port: 10_000,
        filter_wasm: PathBuf::from("/etc/latchkey/filter.wasm"),
        feed_token_file: PathBuf::from("/etc/latchkey/feed-token"),
        access_log: PathBuf::from("/dev/stdout"),
        region: crate::sidecar::REGION.to_owned(),
        max_staleness: crate::MaxStaleness::default(),
        signed_table_key: None,
        gate_settings: serde_json::Map::new(),
        heap_bytes_max: crate::bootstrap::HEAP_BYTES_MAX,
        sidecar,
        sidecar_ca: None,
        upstream,
        tls: None,
        additions: Vec::new(),
    }
}

fn set(bootstrap: &mut Bootstrap, name: &str, value: &OsStr) -> Result<(), InvalidOption> {
    match name {
        "listen" => {
            let address: SocketAddr = parsed(name, value)?;
            (bootstrap.listen_address, bootstrap.listen_port) = (address.ip(), address.port());
        }
        "admin-port" => bootstrap.admin_port = parsed(name, value)?,
        "node" => bootstrap.node_id = parsed(name, value)?,
        "region" => bootstrap.region = parsed(name, value)?,
        "max-staleness" => bootstrap.max_staleness = parsed(name, value)?,
        "heap-bytes-max" => bootstrap.heap_bytes_max = parsed(name, value)?,
        "signed-table-key" | "sealed-table-key" => {
            bootstrap.signed_table_key = Some(parsed(name, value)?)
        }
        "filter" => bootstrap.filter_wasm = value.into(),
        "feed-token-file" => bootstrap.feed_token_file = value.into(),
        "sidecar-ca" => bootstrap.sidecar_ca = Some(value.into()),
        "access-log" => bootstrap.access_log = value.into(),
        "add" => bootstrap.additions.push(addition(value)?),
        _ => return Err(InvalidOption(format!("there is no option --{name}"))),
    }
    Ok(())
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

fn addition(value: &OsStr) -> Result<Addition, InvalidOption> {
    let text = value.to_string_lossy();
    let invalid = |why: &str| InvalidOption(format!("--add {text}: {why}"));
    let (place, file) = text
        .split_once('=')
        .ok_or_else(|| invalid("write PLACE=FILE"))?;
    let place = Place::of_name(place).ok_or_else(|| invalid("there is no such place"))?;
    let yaml = fs::read_to_string(file).map_err(|error| invalid(&error.to_string()))?;
    Ok(Addition { place, yaml })
}

fn missing(name: &str) -> InvalidOption {
    InvalidOption(format!("--{name} HOST:PORT must be given"))
}

fn parsed<T: FromStr<Err: fmt::Display>>(name: &str, value: &OsStr) -> Result<T, InvalidOption> {
    let parsed = value.to_string_lossy().parse();
    parsed.map_err(|error| InvalidOption(format!("--{name}: {error}")))
}

// === impl InvalidOption ===

impl From<lexopt::Error> for InvalidOption {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for InvalidOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidOption {}

#[cfg(test)]
mod tests;
