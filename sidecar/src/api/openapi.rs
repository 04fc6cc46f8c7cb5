//! The OpenAPI document, written from the table of operations; and a page to read it.
//!
//! Does not describe what is not in the table. Invariant: what callers read is what admits them, and
//! what answers are described as is what they are written from.

mod bodies;
mod examples;
mod refusals;
mod schemas;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::api::operations::{self, Access, Operation, Parameter, ParameterIn, ParameterKind};

const PAGE: &str = include_str!("openapi/docs.html");
const STYLE: &str = include_str!("openapi/docs.css");
const SCRIPT: &str = include_str!("openapi/docs.js");

/// What a page of ours may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/openapi.json").get(serve_document))
        .service(web::resource("/docs").get(|| serve("text/html", PAGE)))
        .service(web::resource("/docs/docs.css").get(|| serve("text/css", STYLE)))
        .service(web::resource("/docs/docs.js").get(|| serve("text/javascript", SCRIPT)));
}

async fn serve_document() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document().to_string())
}

async fn serve(media_type: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(format!("{media_type}; charset=utf-8"))
        .insert_header(("content-security-policy", POLICY))
        .body(text)
}

/// The whole document.
pub fn document() -> Value {
    let mut generator = schemas::generator();
    let paths = paths(&mut generator);
    let refusals = refusals::all(&mut generator);
    let mut bodies = bodies::all(&mut generator);
    bodies.values_mut().for_each(schemas::plain);
    let mut all = schemas::met(generator);
    all.extend(bodies);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "API keys for model traffic, enforced inside Envoy.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": all,
            "responses": refusals,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "latchkey_session"},
            },
        },
    })
}

fn paths(generator: &mut SchemaGenerator) -> Value {
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths
            .entry(template(operation.path))
            .or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            let described = described(operation, generator);
            methods.insert(operation.method.to_lowercase(), described);
        }
    }
    Value::Object(paths)
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "x-access": access(operation.access),
        "responses": responses(operation, generator),
    });
    let named = operation.parameters.iter();
    let parameters: Vec<_> = path_parameters(operation.path)
        .chain(named.map(|named| parameter(named, generator)))
        .collect();
    if !parameters.is_empty() {
        put(&mut described, "parameters", parameters.into());
    }
    if let Some(schema) = operation.body {
        put(&mut described, "requestBody", body(operation, schema));
    }
    if operation.access == Access::Public {
        put(&mut described, "security", json!([]));
    }
    described
}

fn body(operation: &Operation, name: &str) -> Value {
    let mut media = json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    if let Some(example) = examples::of(name) {
        put(&mut media, "example", example);
    }
    json!({"required": operation.needs_body, "content": {"application/json": media}})
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, schema) in operation.answers {
        let mut answer = json!({"description": "Done"});
        if let Some(schema) = schema(generator) {
            let content = json!({"application/json": {"schema": schema}});
            put(&mut answer, "content", content);
        }
        responses.insert(status.to_string(), answer);
    }
    responses.extend(refusals::of(operation));
    Value::Object(responses)
}

fn parameter(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": parameter.name,
        "in": match parameter.place {
            ParameterIn::Query => "query",
            ParameterIn::Header => "header",
        },
        "required": parameter.required,
        "description": parameter.about,
        "schema": match parameter.kind {
            ParameterKind::Text => json!({"type": "string"}),
            ParameterKind::Word => json!({"type": "string", "pattern": "^[!-~]{1,128}$"}),
            ParameterKind::Time => json!({"type": "string", "format": "date-time"}),
            ParameterKind::Number(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
            ParameterKind::Choice(words) => json!({"type": "string", "enum": words}),
            ParameterKind::Switch => json!({"type": "boolean"}),
            ParameterKind::Shown(schema) => schema(generator).to_value(),
        },
    })
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    path.split('/').filter_map(move |part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let name = name.split(':').next()?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": {"type": "string"},
            "description": about_path(tag(path), name),
        }))
    })
}

/// What a part of a path is, of the calls with this tag.
fn about_path(tag: &str, name: &str) -> &'static str {
    match (tag, name) {
        ("access-keys", _) => "The access key's secret_id",
        ("catalog", "name") => "The name of the model or service",
        (_, "region") => "The region's id",
        (_, "instance") => "The Envoy's instance, as the list of Envoys has it",
        _ => "The id, as the list has it",
    }
}

/// The pattern of a route without what only the router needs.
fn template(path: &str) -> String {
    let part = |part: &str| match part.split_once(':') {
        Some((name, _)) if part.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn tag(path: &str) -> &str {
    path.split('/').nth(2).unwrap_or_default()
}

fn access(access: Access) -> String {
    match access {
        Access::Public => "public".into(),
        Access::Known => "any credential".into(),
        Access::Person => "a person who has logged in".into(),
        Access::Needs(capability) => capability.as_str().into(),
        Access::Operator(capability) => format!("operator with {}", capability.as_str()),
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.into(), value);
    }
}

#[cfg(test)]
mod tests;
