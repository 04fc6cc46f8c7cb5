//! `latchkey apply`: makes the keys of a file true.
//!
//! Does not decide what differs: [`plan`] does. Invariants: the whole plan is there before anything is
//! changed; a value is written once, as soon as it is made; what is not in the file is left alone.

mod manifest;
mod plan;

use serde_json::{Map, Value, json};

use crate::args::ApplyArgs;
use crate::client::Call;
use crate::commands::request::allow_unlisted;
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::input;
use crate::output::{self, Format, cell};
use crate::query::Target;
use crate::secret::{Destination, Secret};
use crate::terminal;
use crate::wait;

use manifest::{Entry, Manifest};
use plan::{Action, Change};

/// Says, and counts, what is done.
struct Report {
    format: Format,
    steps: Vec<Value>,
    /// The answer of the newest change: when that is in force, so are those before it.
    newest: Value,
}

pub(super) fn run(context: &Context, args: &ApplyArgs) -> Result<(), CliError> {
    let text = input::text(&args.file)?;
    let region = std::env::var("LATCHKEY_REGION").ok();
    let fault = |fault: String| CliError::Usage(format!("{}:\n  {fault}", args.file.display()));
    let manifest = Manifest::read(&text, context.account.as_deref(), region.as_deref());
    let entries = manifest.map_err(fault)?.entries;
    let plan = plan_of(context, &entries)?.map_err(fault)?;
    if args.dry_run {
        return tell(context, args, &entries, &plan);
    }
    let has_new = plan.contains(&Action::Create);
    let mut destination = has_new.then(|| Destination::of(&args.value)).transpose()?;
    let mut report = Report::new(context.format);
    let steps = entries.iter().zip(&plan);
    let done = steps.into_iter().try_for_each(|(entry, action)| {
        let step = carry_out(context, args, entry, action, &mut destination, &mut report)?;
        report.add(step);
        Ok(())
    });
    args.wait.finish(&context.client, &mut report.newest, None);
    report.finish("changed");
    done.and_then(|()| args.wait.verdict(&report.newest))
}

/// What has to be done about each entry, or everything that is in the way.
fn plan_of(context: &Context, entries: &[Entry]) -> Result<Result<Vec<Action>, String>, CliError> {
    let (mut actions, mut faults) = (Vec::new(), Vec::new());
    for entry in entries {
        let target = || {
            let target = Target::new("/v1/keys").with("account", entry.account.as_deref());
            target
                .with("region", entry.region.as_deref())
                .with("name", Some(&entry.name))
        };
        let keys = context.client.list(target, "keys", None)?;
        match plan::action(entry, &keys) {
            Ok(action) => actions.push(action),
            Err(error) => faults.push(error.to_string()),
        }
    }
    Ok(match faults.is_empty() {
        true => Ok(actions),
        false => Err(faults.join("\n  ")),
    })
}

/// Says what would be done.
fn tell(
    context: &Context,
    args: &ApplyArgs,
    entries: &[Entry],
    plan: &[Action],
) -> Result<(), CliError> {
    let mut report = Report::new(context.format);
    for (entry, action) in entries.iter().zip(plan) {
        report.add(step(entry, action));
    }
    report.finish("to change");
    let is_done = plan
        .iter()
        .all(|action| matches!(action, Action::Keep { .. }));
    match args.exit_code && !is_done {
        true => Err(CliError::No),
        false => Ok(()),
    }
}

fn carry_out(
    context: &Context,
    args: &ApplyArgs,
    entry: &Entry,
    action: &Action,
    destination: &mut Option<Destination>,
    report: &mut Report,
) -> Result<Map<String, Value>, CliError> {
    let mut step = step(entry, action);
    let keys = Target::new("/v1/keys");
    let key = |id: &str| Target::new("/v1/keys").part(id).with("wait", Some("none"));
    let mut answer = match action {
        Action::Keep { .. } => return Ok(step),
        Action::Create => {
            let target = allow_unlisted(keys.with("wait", Some("none")), args.allow_unlisted);
            context
                .client
                .call(&Call::make(target, entry.body(), None))?
                .body
        }
        Action::Edit(change) => edit(context, args, entry, change)?,
        Action::Delete { id } => {
            let target = key(id).with("confirm", Some(&entry.name));
            context.client.call(&Call::delete(target))?.body
        }
    };
    step.insert(
        "id".to_owned(),
        answer.get("id").cloned().unwrap_or_default(),
    );
    if let (Some(destination), Some(secret)) = (destination, Secret::take(&mut answer, "key")) {
        let named = format!("{}\t{}", text(&answer, "id"), entry.name);
        let mut shown = Value::Object(step);
        destination.place_named(&secret, Some(&named), "key", &mut shown)?;
        step = shown.as_object().cloned().unwrap_or_default();
    }
    if answer.get("propagation").is_some() {
        report.newest = answer;
    }
    Ok(step)
}

/// Changes a key, in the state that it has now: somebody may have changed it since the plan.
fn edit(
    context: &Context,
    args: &ApplyArgs,
    entry: &Entry,
    planned: &Change,
) -> Result<Value, CliError> {
    let path = || Target::new("/v1/keys").part(&planned.id);
    let read = context.client.call(&Call::get(path()))?;
    let Some(change) = plan::change(entry, &read.body) else {
        return Ok(read.body);
    };
    let target = allow_unlisted(path().with("wait", Some("none")), args.allow_unlisted);
    let call = Call::patch(target, Value::Object(change.after)).if_match(read.etag);
    Ok(context.client.call(&call)?.body)
}

/// What is said of one entry.
fn step(entry: &Entry, action: &Action) -> Map<String, Value> {
    let (word, id, change) = match action {
        Action::Create => ("create", None, None),
        Action::Edit(change) => ("edit", Some(&change.id), Some(change)),
        Action::Delete { id } => ("delete", Some(id), None),
        Action::Keep { id } => ("keep", id.as_ref(), None),
    };
    let mut step = Map::new();
    step.insert("action".to_owned(), word.into());
    step.insert("name".to_owned(), entry.name.as_str().into());
    step.insert("region".to_owned(), json!(entry.region));
    step.insert("id".to_owned(), json!(id));
    if let Some(change) = change {
        step.insert("before".to_owned(), Value::Object(change.before.clone()));
        step.insert("after".to_owned(), Value::Object(change.after.clone()));
    }
    step
}

// === impl Report ===

impl Report {
    fn new(format: Format) -> Self {
        Self {
            format,
            steps: Vec::new(),
            newest: Value::Null,
        }
    }

    /// A step; people read it at once, so that no value is lost with what comes later.
    fn add(&mut self, step: Map<String, Value>) {
        let step = Value::Object(step);
        if self.format == Format::Table {
            output::print(&line(&step));
        }
        self.steps.push(step);
    }

    /// The whole, for programs; the sum, for people: so many are, or would be, `changed`.
    fn finish(&self, changed: &str) {
        let propagation = self.newest.get("propagation");
        if self.format != Format::Table {
            let whole = json!({"steps": self.steps, "propagation": propagation});
            return self.format.whole(&whole);
        }
        let is_change = |step: &&Value| text(step, "action") != "keep";
        let changes = self.steps.iter().filter(is_change).count();
        let in_force = propagation.map(|propagation| {
            let summary = wait::summary(propagation);
            format!(", in force on {summary}")
        });
        let (all, in_force) = (self.steps.len(), in_force.unwrap_or_default());
        terminal::say(&format!(
            "{all} keys in the file, {changes} {changed}{in_force}"
        ));
    }
}

/// `edit    search  ak-...  status: enabled -> disabled`
fn line(step: &Value) -> String {
    let part = |member: &str| cell(step.get(member));
    let mut line = format!("{:<7} {}  {}", part("action"), part("name"), part("id"));
    for (name, after) in step
        .get("after")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let before = cell(step.get("before").and_then(|before| before.get(name)));
        line.push_str(&format!("  {name}: {before} -> {}", cell(Some(after))));
    }
    for member in ["key", "key_file"] {
        if let Some(value) = step.get(member) {
            line.push_str(&format!("  {}", cell(Some(value))));
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_changes_from_what_to_what() {
        let step = json!({"action": "edit", "name": "a", "id": "ak-1",
            "before": {"status": "enabled", "ip_allowlist": []},
            "after": {"ip_allowlist": ["10.0.0.0/8"], "status": "disabled"}});
        assert_eq!(
            line(&step),
            "edit    a  ak-1  ip_allowlist: - -> 10.0.0.0/8  status: enabled -> disabled\n"
        );
        let step = json!({"action": "create", "name": "b", "id": null, "key": "sk-1"});
        assert_eq!(line(&step), "create  b  -  sk-1\n");
    }
}
