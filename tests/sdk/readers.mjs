// Reference readers: what Node takes for the model of a request. As readers.py.

import { readFileSync } from "node:fs";

const MEMBERS = ["model", "models", "fallbacks"];

const JSON_READERS = {
  "JSON.parse": (body) => JSON.parse(body.toString("utf8")),
  "TextDecoder": (body) => JSON.parse(new TextDecoder().decode(body)),
};

function named(reader, body) {
  try {
    const document = reader(body);
    return MEMBERS.map((member) => document[member] ?? null);
  } catch {
    return [];
  }
}

async function form(type, body) {
  try {
    const parsed = await new Response(body, { headers: { "content-type": type } }).formData();
    return await Promise.all(parsed.getAll("model").map((v) => (v.text ? v.text() : v)));
  } catch {
    return [];
  }
}

/** What JSON can say of it: texts, and what holds texts. */
function shown(_, value) {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value) || typeof value !== "object" || !value) return value;
  return { model: value.model ?? null };
}

for (const line of readFileSync(process.argv[2], "ascii").trimEnd().split("\n")) {
  const sample = JSON.parse(line);
  const body = Buffer.from(sample.body, "hex");
  const found = Object.entries(JSON_READERS).map(([name, reader]) => [name, named(reader, body)]);
  if (sample.type.startsWith("multipart/")) found.push(["formData", await form(sample.type, body)]);
  console.log(JSON.stringify(found, shown));
}
