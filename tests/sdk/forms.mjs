// Form readers of Node servers: what each takes for the model of a form. As forms.py.

import { readFileSync } from "node:fs";
import { Readable } from "node:stream";

import Busboy from "busboy";
import { Busboy as FastifyBusboy } from "@fastify/busboy";
import formidable1 from "formidable1";
import formidable2 from "formidable2";
import { formidable as formidable3 } from "formidable3";
import multer from "multer";

/** A request with this body, as a server sees it. */
function request(type, body) {
  const stream = Readable.from([body]);
  stream.headers = { "content-type": type, "content-length": String(body.length) };
  stream.method = "POST";
  return stream;
}

function text(stream, into) {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  stream.on("end", () => into.push(Buffer.concat(chunks).toString("utf8")));
}

function byFormidable(make) {
  return (type, body, found) => new Promise((resolve, reject) => {
    const form = make();
    form.onPart = (part) => text(part, part.name === "model" ? found : []);
    form.on("error", reject);
    form.on("end", resolve);
    form.parse(request(type, body), (error) => (error ? reject(error) : resolve()));
  });
}

function byBusboy(make) {
  return (type, body, found) => new Promise((resolve, reject) => {
    const req = request(type, body);
    const reader = make({ headers: req.headers });
    reader.on("field", (name, value) => name === "model" && found.push(value));
    reader.on("file", (name, stream) => text(stream, name === "model" ? found : []));
    reader.on("error", reject);
    for (const end of ["close", "finish"]) reader.on(end, resolve);
    req.pipe(reader);
  });
}

function byMulter(type, body, found) {
  return new Promise((resolve, reject) => {
    const req = request(type, body);
    multer().any()(req, {}, (error) => {
      const value = req.body?.model;
      if (value !== undefined) found.push(...[value].flat(Infinity));
      for (const file of req.files ?? []) {
        if (file.fieldname === "model") found.push(file.buffer.toString("utf8"));
      }
      return error ? reject(error) : resolve();
    });
  });
}

const READERS = {
  "formidable 1": byFormidable(() => new formidable1.IncomingForm()),
  "formidable 2": byFormidable(() => formidable2()),
  "formidable 3": byFormidable(() => formidable3({ allowEmptyFiles: true, minFileSize: 0 })),
  "busboy": byBusboy((options) => Busboy(options)),
  "@fastify/busboy": byBusboy((options) => new FastifyBusboy(options)),
  "multer for Node": byMulter,
};

// What a reader had found when it gave up has been handed to the server already. A reader that
// neither ends nor fails waits for more of the form: so many samples wait together.
const BATCH = 400;
const PATIENCE_MS = 500;

async function reading(reader, type, body) {
  const found = [];
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  try {
    await Promise.race([reader(type, body, found), late]);
    await new Promise(setImmediate);
  } catch {
    // It refused.
  }
  return found;
}

async function readings(line) {
  const sample = JSON.parse(line);
  const body = Buffer.from(sample.body, "hex");
  const read = async ([name, reader]) => [name, await reading(reader, sample.type, body)];
  return Promise.all(Object.entries(READERS).map(read));
}

// Some throw where nobody can catch it.
process.on("uncaughtException", () => {});
const lines = readFileSync(process.argv[2], "ascii").trimEnd().split("\n");
for (let at = 0; at < lines.length; at += BATCH) {
  const batch = await Promise.all(lines.slice(at, at + BATCH).map(readings));
  for (const found of batch) console.log(JSON.stringify(found));
}
