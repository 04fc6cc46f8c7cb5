// Shows the OpenAPI document and sends calls; one that may change something is asked about first. Builds the page
// from text nodes only.

const api = await (await fetch("/openapi.json")).json();
const schemas = api.components.schemas;

function element(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function resolved(schema) {
  return schema?.$ref ? schemas[schema.$ref.split("/").pop()] : schema;
}

function example(schema, depth = 0) {
  const shape = resolved(schema) ?? {};
  if (shape.enum) return shape.enum[0];
  if (shape.anyOf) return example(shape.anyOf[0], depth);
  const type = Array.isArray(shape.type) ? shape.type[0] : shape.type;
  if (type === "object" && depth < 4) {
    const members = Object.entries(shape.properties ?? {});
    return Object.fromEntries(members.map(([name, member]) => [name, example(member, depth + 1)]));
  }
  return { array: [], integer: 0, boolean: true, object: {} }[type] ?? "";
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const many = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (many) return many.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  const bounds = ["format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"]
    .filter((name) => schema[name] !== undefined).map((name) => `${name} ${schema[name]}`);
  const words = "const" in schema ? [schema.const] : schema.enum ?? [];
  const said = words.length ? words.map((word) => JSON.stringify(word)).join(", ") : [schema.type ?? "anything"].flat().join(" or ");
  return [said, ...bounds].join("; ");
}

// What below a schema has members of its own.
function below(schema) {
  const shape = resolved(schema) ?? {};
  const inner = [...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])].flatMap(below);
  return [...(shape.properties ? [shape] : []), ...(shape.items ? below(shape.items) : []), ...inner];
}

function member(name, schema, isRequired) {
  const about = schema.description ?? resolved(schema)?.description ?? "";
  const line = [element("code", {}, name), ` ${typeOf(schema)}${isRequired ? ", required" : ""}`,
    element("span", { className: "about" }, ` ${about}`)];
  return below(schema).length ? folded(line, schema) : element("p", { className: "member" }, ...line);
}

// Members are drawn when they are looked at: a schema may hold itself.
function folded(line, schema) {
  const made = element("details", {}, element("summary", {}, ...line));
  made.addEventListener("toggle", () => {
    if (made.childElementCount > 1) return;
    for (const shape of below(schema)) {
      const required = shape.required ?? [];
      made.append(...Object.entries(shape.properties).map(([name, one]) => member(name, one, required.includes(name))));
    }
  });
  return made;
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, answer]) => {
    const schema = Object.values(answer.content ?? {})[0]?.schema;
    const line = [element("code", {}, status), ` ${answer.description ?? ""}`];
    return schema ? folded([...line, ` ${typeOf(schema)}`], schema) : element("p", { className: "member" }, ...line);
  });
}

// Asks before a call that may change something; true: send it.
function asked(method, url, body) {
  const text = element("pre", {}, `${method} ${url}${body ? `\n\n${body}` : ""}`);
  const button = (value, name) => element("button", { value }, name);
  const form = element("form", { method: "dialog" }, element("p", {}, "Send this call? It may change something."), text,
    button("", "Cancel"), " ", button("send", "Send it"));
  const dialog = element("dialog", { ariaLabel: "Send this call?" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "send");
    });
  });
}

function parameterField(parameter) {
  const input = element("input", { name: parameter.name });
  const about = element("span", { className: "about" }, ` ${parameter.description ?? ""}`);
  const mark = parameter.required ? " *" : "";
  return { parameter, input, row: element("label", {}, `${parameter.name}${mark}`, about, input) };
}

async function request(path, method, fields, body) {
  const headers = {};
  const query = new URLSearchParams();
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  for (const { parameter, input } of fields.filter((field) => field.input.value !== "")) {
    if (parameter.in === "query") query.set(parameter.name, input.value);
    if (parameter.in === "header") headers[parameter.name] = input.value;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
  }
  if (body) headers["Content-Type"] = "application/json";
  const url = query.size ? `${path}?${query}` : path;
  const verb = method.toUpperCase();
  if (verb !== "GET" && !(await asked(verb, url, body))) return null;
  return fetch(url, { method: verb, headers, body: body || undefined });
}

function shown(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function call(path, method, operation) {
  const fields = (operation.parameters ?? []).map(parameterField);
  const content = operation.requestBody?.content["application/json"];
  const filled = content && JSON.stringify(content.example ?? example(content.schema), null, 2);
  const body = content && element("textarea", { value: filled, spellcheck: false });
  const answer = element("pre", { hidden: true });
  const send = element("button", { type: "button" }, "Send");
  send.addEventListener("click", async () => {
    const response = await request(path, method, fields, body?.value);
    if (!response) return;
    answer.hidden = false;
    answer.textContent = `${response.status} ${response.statusText}\n${shown(await response.text())}`;
  });
  const name = element("code", {}, `${method.toUpperCase()} ${path}`);
  return element("details", {},
    element("summary", {}, name, ` ${operation.summary}`),
    element("p", { className: "about" }, `Who may: ${operation["x-access"]}`),
    ...fields.map((field) => field.row),
    ...(body ? [element("label", {}, "Body", body), folded(["Members of the body"], content.schema)] : []),
    send, answer, element("h3", {}, "Answers"), ...answers(operation));
}

const byTag = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const tag = operation.tags[0];
    byTag.set(tag, [...(byTag.get(tag) ?? []), call(path, method, operation)]);
  }
}
const named = Object.entries(schemas).filter(([, schema]) => below(schema).length);
document.getElementById("calls").replaceChildren(
  ...[...byTag].map(([tag, calls]) => element("section", {}, element("h2", {}, tag), ...calls)),
  element("section", {}, element("h2", {}, "Schemas"),
    ...named.map(([name, schema]) => folded([element("code", {}, name), ` ${schema.description ?? ""}`], schema))));
