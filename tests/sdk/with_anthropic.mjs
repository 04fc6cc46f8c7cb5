// The official Anthropic SDK for Node.

import Anthropic from "@anthropic-ai/sdk";
import { ALLOWED, HELLO, OTHER, disabled, equal, limited, refused, says, url } from "./wire.mjs";

const client = (apiKey) => new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
const request = (model) => ({ model, max_tokens: 9, messages: HELLO });
const ask = (model, key = limited) => client(key).messages.create(request(model));
const streamed = (model) => client(limited).messages.stream(request(model)).finalText();
const models = client(limited).models;

says((await ask(ALLOWED)).content[0].text);
says(await streamed(ALLOWED));
equal((await models.list()).data.map((model) => model.id), [ALLOWED, "deepseek-v3.2"]);

const forbidden = Anthropic.PermissionDeniedError;
await refused(forbidden, 403, () => ask(OTHER), OTHER);
await refused(forbidden, 403, () => streamed(OTHER), OTHER);
await refused(Anthropic.NotFoundError, 404, () => models.retrieve(OTHER), OTHER);
await refused(Anthropic.AuthenticationError, 401, () => ask(ALLOWED, disabled), "disabled");
