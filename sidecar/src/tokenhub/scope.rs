//! Scopes in the words of TokenHub: bind types, bindings, allowed models.
//!
//! Does not store. The gate judges a name by itself: what begins with `ep-` or `@` is a service,
//! all else a model; so a default endpoint, whose id is its model's name, is that model.
//! Invariant: what is read back says exactly what the key may call.

use keytable::{Axis, AxisKind, Scope, ScopeEntry};
use serde_json::{Value, json};

use crate::domain::catalog::Catalog;
use crate::http::lists;
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;

/// The bind types, by whether all models and all services are allowed.
pub(crate) const BIND_TYPES: [(&str, (bool, bool)); 4] = [
    ("all", (true, true)),
    ("model_all_endpoint_custom", (true, false)),
    ("model_custom_endpoint_all", (false, true)),
    ("model_custom_endpoint_custom", (false, false)),
];

const ALL: &str = "all";

/// Takes `BindType` and `Bindings`.
pub(crate) fn take(input: &mut Input) -> Result<Scope, Fault> {
    let kinds = [("all", true), ("model_custom_endpoint_custom", false)];
    let all = input.required_choice("BindType", &kinds)?;
    let bindings = input.objects("Bindings")?.unwrap_or_default();
    match (all, bindings.is_empty()) {
        (true, true) => Ok(Scope::ALL),
        (true, false) => Err(Fault::parameter(
            "`Bindings` cannot be given with the BindType `all`.",
        )),
        (false, true) => Err(Fault::missing("Bindings")),
        (false, false) => {
            let names = bindings.into_iter().map(binding);
            of_names("Bindings", names.collect::<Result<_, _>>()?)
        }
    }
}

fn binding(mut item: Input) -> Result<String, Fault> {
    let id = item.required("ResourceId")?;
    let kinds = [("model", true), ("endpoint", false)];
    let is_model = item.required_choice("ResourceType", &kinds)?;
    item.refuse(&["Status"], "it is read only")?;
    if is_model && AxisKind::of(id.as_bytes()) == AxisKind::Services {
        let detail = "must be \"endpoint\": a name that begins with ep- or @ is a service";
        return Err(item.wrong("ResourceType", detail));
    }
    item.finish()?;
    Ok(id)
}

/// Takes `AllowedModels`.
pub(crate) fn take_allowed(input: &mut Input) -> Result<Option<Scope>, Fault> {
    let Some(names) = input.texts("AllowedModels")? else {
        return Ok(None);
    };
    match names.iter().any(|name| name == ALL) {
        true if names.len() == 1 => Ok(Some(Scope::ALL)),
        true => Err(input.wrong("AllowedModels", "must be \"all\" alone, or a list of names")),
        false => of_names("AllowedModels", names).map(Some),
    }
}

/// The scope of these names and no other.
pub(crate) fn of_names(parameter: &str, names: Vec<String>) -> Result<Scope, Fault> {
    let is_model = |name: &String| AxisKind::of(name.as_bytes()) == AxisKind::Models;
    let (models, services): (Vec<_>, Vec<_>) = names.into_iter().partition(is_model);
    let axis = |names: Vec<String>| {
        let values: Vec<_> = names.into_iter().map(Value::from).collect();
        lists::entries(&values).map(Axis::Listed).map_err(|errors| {
            let details = errors.iter().map(|error| error.detail.as_str());
            Fault::value(parameter, details.collect::<Vec<_>>().join("; "))
        })
    };
    Ok(Scope {
        models: axis(models)?,
        services: axis(services)?,
    })
}

/// The bind type of a scope.
pub(crate) fn bind_type(scope: &Scope) -> &'static str {
    let shape = (scope.models == Axis::All, scope.services == Axis::All);
    let found = BIND_TYPES.iter().find(|(_, other)| *other == shape);
    found.map_or("", |(word, _)| word)
}

/// `BindingItems`.
pub(crate) fn bindings(scope: &Scope, catalog: &Catalog) -> Value {
    let items = |kind: &'static str, word: &'static str, axis: &Axis| {
        let item = move |entry: &ScopeEntry| {
            let status = match catalog.has(kind, entry) {
                true => "online",
                false => "offline",
            };
            json!({"ResourceId": entry.to_string(), "ResourceType": word, "Status": status})
        };
        axis.entries().iter().map(item).collect::<Vec<_>>()
    };
    let mut all = items("model", "model", &scope.models);
    all.extend(items("service", "endpoint", &scope.services));
    all.into()
}

/// `AllowedModels`, a JSON list as a text. One whole axis beside a list, which only the REST API
/// can write, is `models:all` or `services:all`.
pub(crate) fn allowed(scope: &Scope) -> String {
    let names = |axis: &Axis, all: &str| match axis {
        Axis::All => vec![all.to_owned()],
        Axis::Listed(entries) => entries.iter().map(ToString::to_string).collect(),
    };
    let list = match *scope == Scope::ALL {
        true => vec![ALL.to_owned()],
        false => {
            let mut list = names(&scope.models, "models:all");
            list.extend(names(&scope.services, "services:all"));
            list
        }
    };
    Value::from(list).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Scope, &'static str> {
        let Value::Object(members) = value else {
            panic!("no object");
        };
        let mut input = Input::new(members);
        let scope = take(&mut input).and_then(|scope| input.finish().map(|()| scope));
        scope.map_err(|fault| fault.code)
    }

    fn listed(names: &[&str]) -> Axis {
        Axis::Listed(
            names
                .iter()
                .map(|name| ScopeEntry::parse(name).unwrap())
                .collect(),
        )
    }

    #[test]
    fn bindings_become_axes_by_their_names() {
        assert_eq!(read(json!({"BindType": "all"})), Ok(Scope::ALL));
        let scope = read(
            json!({"BindType": "model_custom_endpoint_custom", "Bindings": [
                {"ResourceId": "glm-5.1", "ResourceType": "endpoint"},
                {"ResourceId": "ep-1", "ResourceType": "endpoint"},
                {"ResourceId": "kimi-*", "ResourceType": "model"},
            ]}),
        );
        let models = listed(&["glm-5.1", "kimi-*"]);
        assert_eq!(
            scope,
            Ok(Scope {
                models,
                services: listed(&["ep-1"])
            })
        );
    }

    #[test]
    fn other_bindings_are_refused() {
        let custom = |bindings: Value| {
            read(json!({"BindType": "model_custom_endpoint_custom", "Bindings": bindings}))
        };
        let value = Err("InvalidParameterValue.InvalidParameterValue");
        let missing = Err("MissingParameter.MissingParameter");
        let parameter = Err("InvalidParameter.InvalidParameter");
        let item = json!({"ResourceId": "glm-5.1", "ResourceType": "model"});
        assert_eq!(read(json!({})), missing);
        assert_eq!(read(json!({"BindType": "some"})), value);
        assert_eq!(
            read(json!({"BindType": "model_all_endpoint_custom"})),
            value
        );
        assert_eq!(
            read(json!({"BindType": "all", "Bindings": [item]})),
            parameter
        );
        assert_eq!(custom(json!([])), missing);
        assert_eq!(custom(json!([item, item])), value);
        assert_eq!(custom(json!([{"ResourceId": "glm-5.1"}])), missing);
        assert_eq!(
            custom(json!([{"ResourceId": "ep-1", "ResourceType": "model"}])),
            value
        );
        assert_eq!(
            custom(json!([{"ResourceId": "", "ResourceType": "model"}])),
            value
        );
        let with_status = json!([{"ResourceId": "a", "ResourceType": "model", "Status": "x"}]);
        assert_eq!(custom(with_status), parameter);
    }

    #[test]
    fn scopes_are_told_in_four_words() {
        for (word, (models, services)) in BIND_TYPES {
            let axis = |all| if all { Axis::All } else { listed(&["ep-1"]) };
            let scope = Scope {
                models: axis(models),
                services: axis(services),
            };
            assert_eq!(bind_type(&scope), word);
        }
        let scope = Scope {
            models: listed(&["glm-5.1"]),
            services: Axis::All,
        };
        assert_eq!(allowed(&scope), r#"["glm-5.1","services:all"]"#);
        assert_eq!(allowed(&Scope::ALL), r#"["all"]"#);
    }
}
