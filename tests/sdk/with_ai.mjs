// Vercel's ai SDK with three providers: openai (responses and chat), anthropic, google.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, streamText } from "ai";
import { ALLOWED, OTHER, disabled, equal, limited, refused, says, url } from "./wire.mjs";

const providers = {
  responses: (apiKey) => createOpenAI({ apiKey, baseURL: `${url}/v1` }),
  chat: (apiKey) => createOpenAI({ apiKey, baseURL: `${url}/v1` }).chat,
  anthropic: (apiKey) => createAnthropic({ apiKey, baseURL: `${url}/v1` }),
  google: (apiKey) => createGoogleGenerativeAI({ apiKey, baseURL: `${url}/v1beta` }),
};

async function ask(model) {
  return (await generateText({ model, prompt: "hello", maxRetries: 0 })).text;
}

async function streamed(model) {
  let failure;
  const onError = ({ error }) => { failure = error; };
  const stream = streamText({ model, prompt: "hello", maxRetries: 0, onError });
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  if (failure) throw failure;
  return text;
}

for (const [name, provider] of Object.entries(providers)) {
  console.log("provider", name);
  says(await ask(provider(limited)(ALLOWED)));
  const text = await streamed(provider(limited)(ALLOWED));
  equal(text.startsWith(name === "chat" ? "word0 word1" : "Hello"), true);
  await refused(APICallError, 403, () => ask(provider(limited)(OTHER)), OTHER);
  await refused(APICallError, 403, () => streamed(provider(limited)(OTHER)), OTHER);
  await refused(APICallError, 401, () => ask(provider(disabled)(ALLOWED)), "disabled");
}
