//! The demo upstream as a program of its own, for docker compose.
//!
//! It records nothing. Invariant: it listens only where it is told to, and ends when it is asked to,
//! also as the first process of a container, which the kernel ends for nothing less than SIGKILL.

use std::io;
use std::process::ExitCode;

use envoy::{HostPort, Upstream};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const HELP: &str = "upstream --listen HOST:PORT   a model server that invents its answers";

fn main() -> ExitCode {
    match listen_address() {
        Ok(Some(address)) => match serve(&address) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("upstream: could not serve on {address}: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(None) => {
            eprintln!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("upstream: {problem}\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Serves until SIGTERM or SIGINT.
fn serve(address: &HostPort) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let upstream = Upstream::start((address.host(), address.port()))?;
    upstream.stop_recording();
    signals.forever().next();
    upstream.stop();
    Ok(())
}
/// Where to listen; `None` if help was asked for.
fn listen_address() -> Result<Option<HostPort>, String> {
    let mut parser = lexopt::Parser::from_env();
    let mut address = None;
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            lexopt::Arg::Long("help") => return Ok(None),
            lexopt::Arg::Long("listen") => {
                let value = parser.value().map_err(|error| error.to_string())?;
                address = Some(
                    value
                        .to_string_lossy()
                        .parse::<HostPort>()
                        .map_err(|e| e.to_string())?,
                );
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    address
        .map(Some)
        .ok_or_else(|| "say where to listen".to_owned())
}
