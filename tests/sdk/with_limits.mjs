// Keys whose limits are used up: the SDKs for Node throw their typed errors, and none waits for more than a
// minute. A stream of a key with a limit of tokens looks as it does without one.
//
// Arguments: base URL of the gate; a key that may make one request in all, and one that may make one a minute; a
// key with a limit of tokens, and one without limits.

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { ALLOWED, HELLO, disabled, equal, limited, refused, url } from "./wire.mjs";

const [spent, minute] = [limited, disabled];
const [metered, free] = process.argv.slice(5);

/** After how long an SDK gives a request up, in milliseconds; every other wait is one before a retry. */
const GIVES_UP_MS = 600_000;
const slept = [];
const later = globalThis.setTimeout;
globalThis.setTimeout = (call, ms, ...more) => {
  if (!ms || ms === GIVES_UP_MS) return later(call, ms, ...more);
  slept.push(ms);
  return later(call, 0, ...more);
};

const chat = { model: ALLOWED, messages: HELLO };
const openai = (apiKey) => new OpenAI({ apiKey, baseURL: `${url}/v1`, timeout: GIVES_UP_MS });
const anthropic = (apiKey) => new Anthropic({ apiKey, baseURL: url, timeout: GIVES_UP_MS });
const all = [
  [OpenAI.RateLimitError, (key) => openai(key).chat.completions.create(chat)],
  [Anthropic.RateLimitError, (key) => anthropic(key).messages.create({ ...chat, max_tokens: 9 })],
];

for (const [error, call] of all) {
  const known = [
    [spent, "used up its limit of 1 requests in all"],
    [minute, "Rate limit reached: 1 requests in a minute. Try again in "],
  ];
  for (const [key, text] of known) {
    // Whatever is left of it is taken.
    await call(key).catch((error) => console.log("used up already", error.constructor.name));
    slept.length = 0;
    const isRefused = () => refused(error, 429, () => call(key), text);
    // The minute may be over in between.
    await isRefused().catch((error) => {
      if (!error.message.startsWith("this was not refused")) throw error;
      return isRefused();
    });
    if (slept.some((ms) => ms > 60_000)) throw new Error(`waits for ${slept} ms`);
    console.log("slept", slept.join(" "));
  }
}

async function stream(key, more) {
  const chunks = [];
  const request = { ...chat, stream: true, ...more };
  for await (const chunk of await openai(key).chat.completions.create(request)) chunks.push(chunk);
  return chunks;
}

const chunks = await stream(metered);
equal(chunks, await stream(free));
if (!chunks.every((chunk) => chunk.choices.length && !chunk.usage)) throw new Error("it has changed");
const asked = { stream_options: { include_usage: true } };
const withUsage = await stream(metered, asked);
equal(withUsage, await stream(free, asked));
equal(withUsage.at(-1).usage.total_tokens, 5);
console.log("ok streams");
