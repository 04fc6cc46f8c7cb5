// Reference routers: what Node takes for the model in a path. As routers.py.

import { readFileSync } from "node:fs";

const ROUTES = [
  /^\/v1\/models\/([^/]+)\/?$/i,
  /^\/v1\/models\/(.+)$/i,
  /^\/v1beta\/models\/([^/]+):generateContent\/?$/i,
  /^\/openai\/deployments\/([^/]+)\/chat\/completions\/?$/i,
  /^\/model\/([^/]+)\/invoke\/?$/i,
];

function routed(path) {
  for (const route of ROUTES) {
    const match = route.exec(path);
    if (!match) continue;
    try {
      return decodeURIComponent(match[1]);
    } catch {
      return null;
    }
  }
  return null;
}

function url(target) {
  try {
    return new URL(target, "http://gate").pathname;
  } catch {
    return "";
  }
}

for (const line of readFileSync(process.argv[2], "ascii").trimEnd().split("\n")) {
  const target = Buffer.from(line, "hex").toString("latin1");
  console.log(JSON.stringify([["express", routed(target.split("?")[0])], ["URL", routed(url(target))]]));
}
