// The official SDK for clients of MCP: what it shows when its key is refused, with and without OAuth of its own.

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
} from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, , disabled] = process.argv.slice(2);
const server = new URL("/mcp", url);

/// A client that would go through OAuth if there were any.
const authProvider = {
  redirectUrl: "http://127.0.0.1/callback",
  clientMetadata: { redirect_uris: ["http://127.0.0.1/callback"], client_name: "client" },
  clientInformation: () => undefined,
  saveClientInformation: () => {},
  tokens: () => undefined,
  saveTokens: () => {},
  redirectToAuthorization: () => assert.fail("it was sent to an authorization server"),
  saveCodeVerifier: () => {},
  codeVerifier: () => "x",
};

async function shown(options) {
  const client = new Client({ name: "client", version: "1" });
  const failure = await client
    .connect(new StreamableHTTPClientTransport(server, options))
    .then(() => assert.fail("it was served"), (error) => error);
  return failure.message;
}

const withKey = (key) => ({ requestInit: { headers: { authorization: `Bearer ${key}` } } });
assert.match(await shown(withKey(disabled)), /This API key is disabled/);
assert.match(await shown({}), /API key/);
assert.match(await shown({ authProvider }), /^There is no OAuth here.*needs a valid API key/);
assert.match(await shown({ authProvider, ...withKey(disabled) }), /This API key is disabled/);
await assert.rejects(
  discoverOAuthProtectedResourceMetadata(server),
  /does not implement OAuth 2.0 Protected Resource Metadata/,
);
assert.equal(await discoverAuthorizationServerMetadata(server), undefined);
console.log("shown");
