// Shared by the scripts for Node: what an SDK puts on the wire, and how it must refuse.
//
// Arguments and what is printed are those of wire.py.

import { createHash } from "node:crypto";

export const ALLOWED = "glm-5.1";
export const OTHER = "kimi-k2.6";
export const HELLO = [{ role: "user", content: "hello" }];
export const [url, limited, disabled] = process.argv.slice(2);

const send = globalThis.fetch;

globalThis.fetch = async (resource, options) => {
  if (!String(resource.url ?? resource).startsWith("http")) return send(resource, options);
  // A form gets its boundary here; text and bytes go out as the SDK made them.
  const isForm = options?.body instanceof FormData;
  const request = new Request(resource, options);
  const body = Buffer.from(await request.clone().arrayBuffer());
  const response = isForm ? await send(request) : await send(resource, options);
  const { pathname, search } = new URL(request.url);
  const digest = createHash("sha256").update(body).digest("hex");
  console.log("sent", response.status, request.method, pathname + search, digest);
  return response;
};

/** What was answered comes from the model that was asked for. */
export function says(text) {
  if (!text.includes(`Hello from ${ALLOWED}.`)) throw new Error(`it says: ${text}`);
  console.log("ok");
}

export function equal(found, expected) {
  const [one, other] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} is not ${other}`);
}

/** The call throws this very error, with this status and these texts in it. */
export async function refused(type, status, call, ...texts) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    const told = `${error} ${error.responseBody ?? ""}`;
    const fits = texts.every((text) => told.includes(text));
    const found = error.status ?? error.statusCode;
    if (!(error instanceof type) || found !== status || !fits) throw error;
    console.log("ok", error.constructor.name, told);
    return;
  }
  throw new Error(`this was not refused: ${JSON.stringify(answer)}`);
}
