//! The command line of the demo.
//!
//! It starts nothing. Invariant: an option that is not understood is an error, never ignored.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use crate::files;
use crate::stack::{PortChoice, StackOptions, UpstreamAt};

/// What `--help` prints.
pub(super) const HELP: &str = "\
cargo demo -- [OPTIONS]      all of Latchkey on one machine, until Ctrl-C

  --upstream HOST:PORT       forward to this model server (default: a demo upstream)
  --traffic                  sample clients call now and then, so that there is something to see
  --data DIR                 keep keys and logs there (default: target/demo)
  --port-base N              use the ports N to N+4 (default: Envoy 10000, its admin interface 9901,
                             console 9301, feed 9302, demo upstream 9400, or the next free ones)
  --concurrency N            worker threads of Envoy (default: 2)
  --max-staleness LEASE      how long Envoy goes on without the sidecar: 5s or more, 10m, never
                             (default: 1h)
  --envoy-log FILE           Envoy's log (default: envoy.log in the data directory)
  --json                     one JSON line on standard output when everything is ready, for scripts
  --help                     this text

Envoy is taken from ENVOY_BIN, else from PATH, else fetched and checked.
";

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
    /// Reads the command line.
    pub(super) fn parse(mut parser: Parser) -> Result<DemoCommand, InvalidDemoOption> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(DemoCommand::Help),
                Arg::Long("json") => options.is_json = true,
                Arg::Long("traffic") => options.has_traffic = true,
                Arg::Long(name) => {
                    let name = name.to_owned();
                    options.set(&name, &mut parser)?;
                }
                Arg::Short(_) | Arg::Value(_) => return Err(argument.unexpected().into()),
            }
        }
        Ok(DemoCommand::Run(Box::new(options)))
    }

    fn set(&mut self, name: &str, parser: &mut Parser) -> Result<(), InvalidDemoOption> {
        let stack = &mut self.stack;
        match name {
            "upstream" => stack.upstream = UpstreamAt::External(value(name, parser)?),
            "data" => stack.data_dir = Some(PathBuf::from(text(parser)?)),
            "port-base" => stack.ports = PortChoice::From(value(name, parser)?),
            "concurrency" => stack.concurrency = concurrency(value(name, parser)?)?,
            "max-staleness" => stack.max_staleness = value(name, parser)?,
            "envoy-log" => stack.envoy_log = Some(PathBuf::from(text(parser)?)),
            _ => return Err(InvalidDemoOption(format!("there is no option --{name}"))),
        }
        Ok(())
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

fn text(parser: &mut Parser) -> Result<OsString, InvalidDemoOption> {
    Ok(parser.value()?)
}

fn value<T: FromStr<Err: fmt::Display>>(
    name: &str,
    parser: &mut Parser,
) -> Result<T, InvalidDemoOption> {
    let text = text(parser)?;
    let parsed = text.to_string_lossy().parse();
    parsed.map_err(|error| InvalidDemoOption(format!("--{name}: {error}")))
}

fn concurrency(threads: u32) -> Result<u32, InvalidDemoOption> {
    match threads {
        0 => Err(InvalidDemoOption(
            "--concurrency: write 1 or more".to_owned(),
        )),
        threads => Ok(threads),
    }
}

// === impl InvalidDemoOption ===

impl From<lexopt::Error> for InvalidDemoOption {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for InvalidDemoOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidDemoOption {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::MaxStaleness;

    fn parse(line: &str) -> Result<DemoCommand, InvalidDemoOption> {
        DemoOptions::parse(Parser::from_args(line.split_whitespace()))
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
            assert!(HELP.contains(option), "{option}");
        }
    }
}
