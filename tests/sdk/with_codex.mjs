// OpenAI's Codex CLI as it is installed from npm: it sends `session_id`, a header with an underscore.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ALLOWED, OTHER, disabled, limited, says, url } from "./wire.mjs";

const program = fileURLToPath(new URL("../node_modules/.bin/codex", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "codex-"));
const provider = `{name="gate",base_url="${url}/v1",env_key="GATE_KEY",wire_api="responses"}`;
const settings = ["model_provider=gate", `model_providers.gate=${provider}`, "analytics.enabled=false"];

/** All that it prints when it is asked something. */
function asked(model, key) {
  const options = settings.flatMap((setting) => ["--config", setting]);
  const ran = spawnSync(program, ["exec", "--skip-git-repo-check", "--model", model, ...options, "hello"], {
    cwd: home,
    encoding: "utf8",
    env: { ...process.env, CODEX_HOME: home, GATE_KEY: key, NO_PROXY: "127.0.0.1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ran.stdout + ran.stderr;
}

function shows(text, part) {
  if (!text.includes(part)) throw new Error(`it does not show "${part}": ${text}`);
  console.log("ok");
}

says(asked(ALLOWED, limited));
shows(asked(OTHER, limited), `does not have access to model \`${OTHER}\``);
shows(asked(ALLOWED, disabled), "This API key is disabled");
rmSync(home, { recursive: true });
