//! The demo: starts a stack, fills it with sample keys, says how to try it, and stays until it is
//! told to go.
//!
//! It keeps nothing but the data directory. Invariant: standard output carries what was asked for
//! (with `--json` one line); everything else goes to stderr.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::say;
use crate::error::StackError;
use crate::stack::Stack;

mod api;
mod catalog;
mod guide;
mod options;
mod samples;
mod traffic;

use options::{DemoCommand, DemoOptions};
use traffic::Traffic;

/// Time between two looks at the children and at the wish to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The whole program.
pub fn run() -> ExitCode {
    match DemoOptions::parse(std::env::args_os()) {
        Ok(DemoCommand::Help) => {
            eprint!("{}", options::help());
            ExitCode::SUCCESS
        }
        Ok(DemoCommand::Run(options)) => match run_stack(*options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(&error.to_string());
                ExitCode::FAILURE
            }
        },
        Err(invalid) => {
            eprint!("demo: {invalid}\n\n{}", options::help());
            ExitCode::from(2)
        }
    }
}

fn run_stack(options: DemoOptions) -> Result<(), StackError> {
    let signals = StopSignals::watch().map_err(StackError::io("listen to", "signals"))?;
    let mut stack = Stack::start(options.stack)?;
    if let Some(upstream) = stack.upstream() {
        upstream.stop_recording();
    }
    say("filling the catalog, making sample keys");
    let samples = samples::make_once(&stack)?;
    say("ready");
    let traffic = options
        .has_traffic
        .then(|| Traffic::start(&stack.envoy_url(), &samples));
    signals.expect_orderly_stop();
    let ready = match options.is_json {
        true => ready_line(&stack)?,
        false => guide::text(&stack, &samples)?,
    };
    // Whoever has closed standard output does not want to read it.
    let _ = writeln!(io::stdout(), "{ready}");
    let stayed = stay(&mut stack, &signals);
    drop(traffic);
    stayed
}

/// Stays until a signal (then it is fine to end) or until a part ends by itself.
fn stay(stack: &mut Stack, signals: &StopSignals) -> Result<(), StackError> {
    while !signals.is_stop_wanted() {
        if let Some(ended) = stack.ended_part() {
            return Err(ended);
        }
        thread::sleep(LOOK_EVERY);
    }
    say("stopping");
    stack.stop_envoy()?;
    stack.stop_sidecar()
}

/// The line for scripts.
fn ready_line(stack: &Stack) -> Result<String, StackError> {
    let line = json!({
        "envoy": stack.envoy_url(),
        "envoy_admin": stack.envoy_admin_url(),
        "console": stack.console_url(),
        "feed": stack.feed_url(),
        "operator_token": stack.operator_token()?,
        "account": stack.account(),
        "region": stack.region(),
    });
    Ok(line.to_string())
}

/// SIGINT and SIGTERM. Before everything runs they end the process at once (the kernel then ends
/// the children); afterwards they are a wish.
#[derive(Debug, Default)]
struct StopSignals {
    is_wanted: AtomicBool,
    is_started: AtomicBool,
}

// === impl StopSignals ===

impl StopSignals {
    fn watch() -> io::Result<Arc<Self>> {
        let state = Arc::new(Self::default());
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let shared = state.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                shared.is_wanted.store(true, Ordering::SeqCst);
                if !shared.is_started.load(Ordering::SeqCst) {
                    say("stopped before it was ready");
                    std::process::exit(0);
                }
            }
        });
        Ok(state)
    }

    fn expect_orderly_stop(&self) {
        self.is_started.store(true, Ordering::SeqCst);
    }

    fn is_stop_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::SeqCst)
    }
}
