// Starts `truecount demo` (or `serve`, for an empty house) on a loopback port of its own, in a folder of its own, and
// stops it again.
//
// The demo prints one line of JSON when it is ready: its address, the address of the control of the
// simulated till, and who may log in. Everything else it prints goes to our standard error.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { promisify } from "node:util";

const READY_WITHIN_MS = 120_000;
const GONE_WITHIN_MS = 15_000;
const SOLD_WITHIN_MS = 15_000;

export async function startDemo() {
  const { stop, ready } = await start(["demo"], { LISTEN: "127.0.0.1:0" }, "stdout", startLine);
  try {
    const { address, control, logins } = await ready();
    return { address: address.replace(/\/$/, ""), logins, stop, sell: (sku, units) => sell(control, sku, units) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/// The program as somebody starts it for the first time: no account, no connection, an empty database.
export async function startEmpty() {
  const port = await freePort();
  const environment = { LISTEN: `127.0.0.1:${port}`, DATABASE_URL: "sqlite://empty.db", LOG: "info", LOG_FORMAT: "text" };
  let code;
  const { child, stop, ready } = await start(["serve"], environment, "stderr", (line) => {
    code ??= /give the code ([^ ,]+),/.exec(line)?.[1];
    return line.includes("serving http://") && code ? { code } : null;
  });
  try {
    await ready();
    // No file of it grows from here on, as on a full disk; what is there can be read.
    const fill = () => promisify(execFile)("prlimit", ["--pid", String(child.pid), "--fsize=0"]);
    return { address: `http://127.0.0.1:${port}`, code, stop, fill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/// What the program says when its port is somebody else's, and how it ends.
export async function startTaken(command, port) {
  const environment = { LISTEN: `127.0.0.1:${port}`, DATABASE_URL: "sqlite://taken.db" };
  let said = "";
  const { child, stop, gone } = await start([command], environment, "stderr", () => null);
  child.stderr.on("data", (words) => (said += words));
  const how = await gone;
  await stop();
  return { how, said };
}

/// Starts the program in a folder of its own. `told` makes of a line what one waits for.
async function start(words, environment, pipe, told) {
  const executable = process.env.TRUECOUNT_EXECUTABLE;
  if (!executable) throw new Error("TRUECOUNT_EXECUTABLE names the program to test; `cargo xtask test` sets it");
  const folder = await mkdtemp(path.join(tmpdir(), "truecount-journeys-"));
  const stdio = ["ignore", "pipe", pipe === "stderr" ? "pipe" : "inherit"];
  // A file that may not grow is an error to the program, as a full disk is; not its end.
  const patient = ["-c", 'trap "" XFSZ; exec "$0" "$@"', executable, ...words];
  const child = spawn("sh", patient, { cwd: folder, env: { ...process.env, ...environment }, stdio });
  const gone = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));

  const stop = async () => {
    child.kill("SIGINT");
    const late = setTimeout(() => child.kill("SIGKILL"), GONE_WITHIN_MS);
    const how = await gone;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
    return how;
  };

  const ready = () =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("the program was not ready in time")), READY_WITHIN_MS);
      gone.then((how) => reject(new Error(`the program ended before it was ready (${how})`)));
      child.once("error", reject);
      readline.createInterface({ input: child[pipe] }).on("line", (line) => {
        const said = told(line);
        if (!said) return void process.stderr.write(`${line}\n`);
        clearTimeout(limit);
        resolve(said);
      });
    });
  return { child, stop, ready, gone };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
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
    signal: AbortSignal.timeout(SOLD_WITHIN_MS),
  });
  if (!response.ok) throw new Error(`the till did not sell: ${response.status} ${await response.text()}`);
}
