// Shows the OpenAPI document and sends calls. Builds the page from text nodes only.

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

function parameterField(parameter) {
  const input = element("input", { name: parameter.name });
  const about = element("span", { className: "about" }, ` ${parameter.description ?? ""}`);
  const mark = parameter.required ? " *" : "";
  return { parameter, input, row: element("label", {}, `${parameter.name}${mark}`, about, input) };
}

function request(path, method, fields, body) {
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
  return fetch(url, { method: method.toUpperCase(), headers, body: body || undefined });
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
    answer.hidden = false;
    answer.textContent = `${response.status} ${response.statusText}\n${shown(await response.text())}`;
  });
  const name = element("code", {}, `${method.toUpperCase()} ${path}`);
  return element("details", {},
    element("summary", {}, name, ` ${operation.summary}`),
    element("p", { className: "about" }, `Who may: ${operation["x-access"]}`),
    ...fields.map((field) => field.row),
    ...(body ? [element("label", {}, "Body", body)] : []),
    send, answer);
}

const byTag = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const tag = operation.tags[0];
    byTag.set(tag, [...(byTag.get(tag) ?? []), call(path, method, operation)]);
  }
}
document.getElementById("calls").replaceChildren(
  ...[...byTag].map(([tag, calls]) => element("section", {}, element("h2", {}, tag), ...calls)));
