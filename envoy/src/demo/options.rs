//! The command line of the demo.
//!
//! It starts nothing. Invariant: an option that is not understood is an error, never ignored.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser};

use crate::address::HostPort;
use crate::command_line;
use crate::files;
use crate::lease::MaxStaleness;
use crate::stack::{PortChoice, StackOptions, UpstreamAt};

/// The command line, as it is declared.
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo demo --",
    about = "all of Latchkey on one machine, until Ctrl-C",
    after_help = "Envoy is taken from ENVOY_BIN, else from PATH, else fetched and checked.",
    args_override_self = true,
    disable_help_flag = true
)]
struct Arguments {
    /// forward to this model server (default: a demo upstream)
    #[arg(long, value_name = "HOST:PORT")]
    upstream: Option<HostPort>,
    /// sample clients call now and then, so that there is something to see
    #[arg(long)]
    traffic: bool,
    /// keep keys and logs there (default: target/demo)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// use the ports N to N+4 (default: Envoy 10000, its admin interface
    /// 9901, console 9301, feed 9302, demo upstream 9400, or the next
    /// free ones)
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    port_base: Option<u16>,
    /// worker threads of Envoy (default: 2)
    #[arg(long, value_name = "N", value_parser = threads)]
    concurrency: Option<u32>,
    /// how long Envoy goes on without the sidecar: 5s or more, 10m, never
    /// (default: 1h)
    #[arg(long, value_name = "LEASE", verbatim_doc_comment)]
    max_staleness: Option<MaxStaleness>,
    /// Envoy's log (default: envoy.log in the data directory)
    #[arg(long, value_name = "FILE")]
    envoy_log: Option<PathBuf>,
    /// one JSON line on standard output when everything is ready, for
    /// scripts
    #[arg(long, verbatim_doc_comment)]
    json: bool,
    /// this text
    #[arg(long, short_alias = 'h', action = ArgAction::Help)]
    help: Option<bool>,
}

/// What `--help` prints.
pub(super) fn help() -> String {
    Arguments::command().render_help().to_string()
}

/// What the user wants.
#[derive(Debug)]
pub(super) enum DemoCommand {
    /// To read the help.
    Help,
    /// To run the demo.
    Run(Box<DemoOptions>),
}

/// How the demo runs.
#[derive(Debug)]
pub(super) struct DemoOptions {
    pub(super) stack: StackOptions,
    pub(super) is_json: bool,
    /// Whether sample clients call.
    pub(super) has_traffic: bool,
}

/// A command line that is not understood.
#[derive(Debug)]
pub(super) struct InvalidDemoOption(String);

// === impl DemoOptions ===

impl DemoOptions {
    /// Reads the words of a command line, the program's name first.
    pub(super) fn parse(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<DemoCommand, InvalidDemoOption> {
        match Arguments::try_parse_from(words) {
            Ok(arguments) => Ok(DemoCommand::Run(Box::new(Self::of(arguments)))),
            Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(DemoCommand::Help),
            Err(error) => Err(InvalidDemoOption(command_line::told(&error))),
        }
    }

    fn of(arguments: Arguments) -> Self {
        let StackOptions {
            upstream,
            data_dir,
            ports,
            concurrency,
            max_staleness,
            ..
        } = Self::default().stack;
        Self {
            is_json: arguments.json,
            has_traffic: arguments.traffic,
            stack: StackOptions {
                upstream: arguments.upstream.map_or(upstream, UpstreamAt::External),
                data_dir: arguments.data.or(data_dir),
                ports: arguments.port_base.map_or(ports, PortChoice::From),
                concurrency: arguments.concurrency.unwrap_or(concurrency),
                max_staleness: arguments.max_staleness.unwrap_or(max_staleness),
                envoy_log: arguments.envoy_log,
                ..StackOptions::default().keeping_limits()
            },
        }
    }
}

impl Default for DemoOptions {
    fn default() -> Self {
        let data_dir = Some(files::target().join("demo"));
        Self {
            stack: StackOptions {
                data_dir,
                ports: PortChoice::Usual,
                ..StackOptions::default()
            },
            is_json: false,
            has_traffic: false,
        }
    }
}

fn threads(text: &str) -> Result<u32, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or("write 1 or more")
}

// === impl InvalidDemoOption ===

impl fmt::Display for InvalidDemoOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidDemoOption {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<DemoCommand, InvalidDemoOption> {
        DemoOptions::parse(std::iter::once("demo").chain(line.split_whitespace()))
    }

    fn run(line: &str) -> DemoOptions {
        match parse(line).unwrap() {
            DemoCommand::Run(options) => *options,
            DemoCommand::Help => panic!("{line} asks for help"),
        }
    }

    #[test]
    fn without_options_everything_has_its_default() {
        let options = run("");
        assert!(!options.is_json && !options.has_traffic);
        assert_eq!(options.stack.ports, PortChoice::Usual);
        assert_eq!(options.stack.concurrency, 2);
        assert_eq!(options.stack.max_staleness, MaxStaleness::Seconds(3600));
        assert!(options.stack.data_dir.unwrap().ends_with("target/demo"));
        assert!(matches!(options.stack.upstream, UpstreamAt::Demo));
    }

    #[test]
    fn every_option_is_understood() {
        let options = run(
            "--json --traffic --upstream 127.0.0.1:8000 --data d --port-base 20000 \
                           --concurrency 4 --max-staleness 5s --envoy-log=e.log",
        );
        let stack = options.stack;
        assert!(options.is_json);
        assert!(matches!(stack.upstream, UpstreamAt::External(at) if at.port() == 8000));
        assert_eq!(stack.data_dir, Some(PathBuf::from("d")));
        assert_eq!(stack.ports, PortChoice::From(20_000));
        assert!(options.has_traffic);
        assert_eq!(stack.concurrency, 4);
        assert_eq!(stack.max_staleness, MaxStaleness::Seconds(5));
        assert_eq!(stack.envoy_log, Some(PathBuf::from("e.log")));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_name() {
        for (line, said) in [
            ("--nonsense", "--nonsense"),
            ("--json=yes", "--json"),
            ("-x", "-x"),
            ("word", "word"),
            ("--data", "--data"),
            ("--port-base 70000", "--port-base"),
            ("--concurrency 0", "--concurrency"),
            ("--max-staleness 1s", "--max-staleness"),
            ("--upstream nowhere", "--upstream"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn help_is_help_whatever_else_is_asked() {
        assert!(matches!(parse("--json --help"), Ok(DemoCommand::Help)));
        for option in [
            "--upstream",
            "--data",
            "--port-base",
            "--concurrency",
            "--max-staleness",
            "--traffic",
        ] {
            assert!(help().contains(option), "{option}");
        }
    }
}
