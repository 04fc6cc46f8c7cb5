// The official openai SDK for Node.

import OpenAI, { toFile } from "openai";
import { ALLOWED, HELLO, OTHER, disabled, equal, limited, refused, says, url } from "./wire.mjs";

const client = (apiKey) => new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
const openai = client(limited);

const chat = (model, of = openai) => of.chat.completions.create({ model, messages: HELLO });

async function streamed(model) {
  const chunks = await openai.chat.completions.create({ model, messages: HELLO, stream: true });
  let text = "";
  for await (const chunk of chunks) text += chunk.choices[0].delta.content ?? "";
  return text;
}

const respond = (model) => openai.responses.create({ model, input: "hello" });
const embed = (model) => openai.embeddings.create({ model, input: ["a", "b"] });

async function transcribe(model) {
  const file = await toFile(Buffer.alloc(500_000, "RIFF"), "a.wav");
  return openai.audio.transcriptions.create({ model, file });
}

async function edit(model) {
  const image = await toFile(Buffer.alloc(500_000, "PNG"), "a.png", { type: "image/png" });
  return openai.images.edit({ model, image, prompt: "a cat" });
}

async function names() {
  const found = [];
  for await (const model of openai.models.list()) found.push(model.id);
  return found;
}

says((await chat(ALLOWED)).choices[0].message.content);
equal((await streamed(ALLOWED)).startsWith("word0 word1"), true);
says((await respond(ALLOWED)).output_text);
equal((await embed(ALLOWED)).data.length, 1);
equal((await transcribe(ALLOWED)).text, "Hello.");
equal((await edit(ALLOWED)).data.length, 1);
equal(await names(), [ALLOWED, "deepseek-v3.2"]);
equal((await openai.models.retrieve(ALLOWED)).id, ALLOWED);

const forbidden = OpenAI.PermissionDeniedError;
await refused(forbidden, 403, () => chat(OTHER), OTHER);
await refused(forbidden, 403, () => streamed(OTHER), OTHER);
await refused(forbidden, 403, () => respond(OTHER), OTHER);
await refused(forbidden, 403, () => embed(OTHER), OTHER);
await refused(forbidden, 403, () => transcribe(OTHER), OTHER);
await refused(forbidden, 403, () => edit(OTHER), OTHER);
await refused(OpenAI.NotFoundError, 404, () => openai.models.retrieve(OTHER), OTHER);
await refused(OpenAI.AuthenticationError, 401, () => chat(ALLOWED, client(disabled)), "disabled");
