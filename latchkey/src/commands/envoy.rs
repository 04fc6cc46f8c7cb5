//! `latchkey envoy ...`: what each Envoy has in force, and one that is gone for good.
//!
//! Invariant: the one that is forgotten is the one that was named, and no other of its name.

use serde_json::{Value, json};

use crate::args::others::EnvoyCommand;
use crate::client::Call;
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::output::Column;
use crate::query::Target;
use crate::terminal;

const PATH: &str = "/v1/envoys";

const COLUMNS: [Column; 9] = [
    ("ENVOY", "/envoy"),
    ("INSTANCE", "/instance"),
    ("REGION", "/region"),
    ("VERSION", "/version"),
    ("GENERATION", "/generation"),
    ("IN CONTACT", "/live"),
    ("LAST SEEN", "/last_seen"),
    ("MAY SERVE UNTIL", "/may_serve_until"),
    ("LAST ERROR", "/last_error/error"),
];

pub(super) fn run(context: &Context, command: EnvoyCommand) -> Result<(), CliError> {
    let envoys = context.client.call(&Call::get(Target::new(PATH)))?.body;
    let envoys = envoys
        .get("envoys")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    match command {
        EnvoyCommand::List => {
            context.format.list("envoys", &envoys, &COLUMNS);
            Ok(())
        }
        EnvoyCommand::Forget { envoy, region } => {
            let (instance, region) = meant(&envoys, &envoy, region.as_deref())?;
            let target = Target::new(PATH)
                .part(&instance)
                .with("region", Some(&region));
            context.client.call(&Call::delete(target))?;
            terminal::say(&format!(
                "{envoy} is forgotten: no change waits for it any more"
            ));
            Ok(())
        }
    }
}

/// Instance and region of the one Envoy that is meant.
fn meant(envoys: &[Value], name: &str, region: Option<&str>) -> Result<(String, String), CliError> {
    let is_meant = |envoy: &&Value| {
        let is_here = region.is_none_or(|region| text(envoy, "region") == region);
        is_here && (text(envoy, "envoy") == name || text(envoy, "instance") == name)
    };
    let found: Vec<&Value> = envoys.iter().filter(is_meant).collect();
    // A name that was given to a new Envoy means the one that is gone.
    let gone: Vec<&Value> = found
        .iter()
        .copied()
        .filter(|envoy| envoy.get("live") != Some(&json!(true)))
        .collect();
    match (gone.as_slice(), found.as_slice()) {
        ([one], _) | ([], [one]) => Ok((
            text(one, "instance").to_owned(),
            text(one, "region").to_owned(),
        )),
        ([], []) => Err(CliError::NotFound(format!(
            "there is no Envoy {name}: `latchkey envoy list` names them"
        ))),
        _ => Err(CliError::Usage(format!(
            "several Envoys are called {name}: give the instance (`latchkey envoy list`) and --region"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envoy(instance: &str, region: &str, live: bool) -> Value {
        json!({"envoy": "edge", "instance": instance, "region": region, "live": live})
    }

    #[test]
    fn the_one_that_is_gone_is_meant() {
        let envoys = [
            envoy("1", "a", false),
            envoy("2", "a", true),
            envoy("3", "b", false),
        ];
        let meant = |name, region| meant(&envoys, name, region).ok();
        let found = |instance: &str, region: &str| Some((instance.to_owned(), region.to_owned()));
        assert_eq!(meant("edge", Some("a")), found("1", "a"));
        assert_eq!(meant("edge", Some("b")), found("3", "b"));
        assert_eq!(meant("edge", None), None);
        assert_eq!(meant("2", None), found("2", "a"));
        assert_eq!(meant("other", None), None);
    }
}
