// Starts `truecount demo` on a loopback port of its own, in a folder of its own, and stops it again.
//
// The demo prints one line of JSON when it is ready: its address, the address of the control of the
// simulated till, and who may log in. Everything else it prints goes to our standard error.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

const READY_WITHIN_MS = 120_000;
const GONE_WITHIN_MS = 15_000;

export async function startDemo() {
  const executable = process.env.TRUECOUNT_EXECUTABLE;
  if (!executable) throw new Error("TRUECOUNT_EXECUTABLE names the program to test; `cargo xtask test` sets it");
  const folder = await mkdtemp(path.join(tmpdir(), "truecount-journeys-"));
  const environment = { ...process.env, LISTEN: "127.0.0.1:0" };
  const child = spawn(executable, ["demo"], { cwd: folder, env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));

  const stop = async () => {
    child.kill("SIGINT");
    const late = setTimeout(() => child.kill("SIGKILL"), GONE_WITHIN_MS);
    const how = await gone;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
    return how;
  };

  const ready = new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("the demo was not ready in time")), READY_WITHIN_MS);
    gone.then((how) => reject(new Error(`the demo ended before it was ready (${how})`)));
    child.once("error", reject);
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      const said = startLine(line);
      if (!said) return void process.stderr.write(`${line}\n`);
      clearTimeout(limit);
      resolve(said);
    });
  });
  try {
    const { address, control, logins } = await ready;
    return { address: address.replace(/\/$/, ""), logins, stop, sell: (sku, units) => sell(control, sku, units) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startLine(line) {
  if (!line.startsWith("{")) return null;
  try {
    const said = JSON.parse(line);
    return said.address && said.control && said.logins?.length ? said : null;
  } catch {
    return null;
  }
}

/// A sale at the simulated till, as if somebody had stood at the counter.
async function sell(control, sku, units) {
  const response = await fetch(new URL("/sell", control), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sku, units }),
  });
  if (!response.ok) throw new Error(`the till did not sell: ${response.status} ${await response.text()}`);
}
