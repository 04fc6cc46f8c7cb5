//! The demo upstream as a program of its own, for docker compose.
//!
//! It records nothing. Invariant: it listens only where it is told to, and ends when it is asked to,
//! also as the first process of a container, which the kernel ends for nothing less than SIGKILL.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use envoy::{HostPort, Upstream};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A model server that invents its answers.
#[derive(Debug, Parser)]
#[command(name = "upstream")]
struct Arguments {
    /// where to listen
    #[arg(long, value_name = "HOST:PORT")]
    listen: HostPort,
}

fn main() -> ExitCode {
    let address = Arguments::parse().listen;
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upstream: could not serve on {address}: {error}");
            ExitCode::FAILURE
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
