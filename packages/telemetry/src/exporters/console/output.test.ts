import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "@sandglass/testkit";
import { onEnd, temporaryDirectory } from "../../log/testing/test-log.ts";
import { newPlace, terminated } from "../../record/testing/event-inputs.ts";
import { ConsoleExporter } from "./console-exporter.ts";
import { DescriptorOutput, StreamOutput } from "./output.ts";
import { batchOf, eventOf } from "./testing/console-events.ts";

const printingProcess = fileURLToPath(new URL("testing/printing-process.ts", import.meta.url));
const batch = batchOf(Array.from({ length: 100 }, () => eventOf(terminated(newPlace()))));

function exporterTo(output: StreamOutput | DescriptorOutput): ConsoleExporter {
  return new ConsoleExporter(output, "stdout", (event) => event.id);
}

test("a batch is delivered when a slow reader has taken it; asked again meanwhile, it is not written again", async () => {
  const stream = new PassThrough({ writableHighWaterMark: 10, readableHighWaterMark: 10 });
  const exporter = exporterTo(new StreamOutput(stream));
  const settled: string[] = [];
  const first = exporter.export(batch).then(({ status }) => settled.push(`first ${status}`));
  const again = exporter.export(batch).then(({ status }) => settled.push(`again ${status}`));
  const next = exporter
    .export(batchOf([eventOf(terminated(newPlace()))]))
    .then(({ status }) => settled.push(`next ${status}`));
  for (let n = 0; n < 10; n++) await turn();
  assert.deepEqual(settled, [], "nobody has read anything");
  let text = "";
  stream.on("data", (data: Buffer) => (text += data.toString()));
  await Promise.all([first, again, next]);
  assert.equal(text.split("\n").length, 102);
  assert.deepEqual(settled.toSorted(), ["again ok", "first ok", "next ok"]);
});

test("a reader that is gone disables the exporter and says why", async () => {
  const stream = new PassThrough();
  const exporter = exporterTo(new StreamOutput(stream));
  stream.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  const result = await exporter.export(batch);
  assert.equal(result.status, "disable");
  assert.match(result.status === "disable" ? result.reason : "", /^nobody reads stdout any more \(\w+\)$/);
  await exporter.shutdown();
});

test("a full disk behind a redirected output is tried again, from the byte on that is missing", {
  skip: process.getuid?.() === 0 ? false : "mounting a small tmpfs needs root",
}, async (t) => {
  const disk = temporaryDirectory(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
  onEnd(t, () => execFileSync("umount", [disk]));
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, Buffer.alloc(60 * 1024));
  const descriptor = openSync(join(disk, "stdout"), "a");
  onEnd(t, () => closeSync(descriptor));
  const exporter = exporterTo(new DescriptorOutput(descriptor));
  const large = batchOf(Array.from({ length: 200 }, () => eventOf(terminated(newPlace()))));
  const refused = await exporter.export(large);
  assert.ok(refused.status === "retry" && /stdout: ENOSPC/.test(refused.reason), JSON.stringify(refused));
  rmSync(ballast);
  assert.deepEqual(await exporter.export(large), { status: "ok" });
  const ids = large.events.map(({ event }) => `${event.id}\n`);
  assert.equal(readFileSync(join(disk, "stdout"), "utf8"), ids.join(""));
});

test("a pipe that nobody reads holds up nothing else in the process, and one that is closed is the exporter's end", async (t) => {
  const child = spawn(process.execPath, [printingProcess], { stdio: ["ignore", "pipe", "pipe"] });
  onEnd(t, () => child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  // It says so on stderr every few milliseconds, from its event loop.
  await until("the pipe is full", () => /waiting/.test(said));
  const before = said.length;
  await until("the process goes on", () => said.length > before + 20);
  child.stdout.destroy();
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0, said);
  assert.match(said, /disable nobody reads stdout any more \(EPIPE\)/);
});

const withoutTerminal =
  execFileSync("sh", ["-c", "command -v script || true"], { encoding: "utf8" }) === "" && "needs script(1)";

/** Runs the printing process at a terminal of its own, which is read when its `stdout` is. */
function printAtTerminal(t: TestContext, args: string): ChildProcessByStdio<null, Readable, null> {
  const env = { ...process.env };
  // What is said of colours besides the terminal; Node takes a CI it does not know for one without.
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "CI", "COLORTERM"]) delete env[name];
  const command = `'${process.execPath}' '${printingProcess}' ${args}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...env, TERM: "xterm-256color" },
  });
  onEnd(t, () => child.kill("SIGKILL"));
  return child;
}

test("at a real terminal it is coloured", { skip: withoutTerminal }, async (t) => {
  const child = printAtTerminal(t, "pretty 2>/dev/null");
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0, text);
  assert.match(text, /\x1b\[1m\x1b\[36msandbox\.terminated/);
});

test("a terminal that takes nothing any more holds up nothing else in the process", {
  skip: withoutTerminal,
}, async (t) => {
  const said = join(temporaryDirectory(t), "said");
  printAtTerminal(t, `json 2>'${said}'`);
  await until("the terminal is full", () => existsSync(said) && /waiting/.test(readFileSync(said, "utf8")));
  const before = statSync(said).size;
  await until("the process goes on", () => statSync(said).size > before + 20);
});
