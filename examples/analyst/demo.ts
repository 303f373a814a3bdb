import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Client, SandglassError } from "sandglass";
import { type Analysis, analyse } from "./analyst.ts";
import { credentialsFile, DemoDaemon, SANDGLASS } from "./demo-daemon.ts";
import type { Leftovers } from "./leftovers.ts";
import { paint, Screen } from "./screen.ts";

const CHECKOUT = dirname(dirname(SANDGLASS));
/** Of all that is recorded, what tells the story. */
const STORY = "run.*,sandbox.created,exec.completed,sandbox.terminated";

/** What `make demo` runs: a daemon, the analyst, its record, and the end of the daemon. */
async function main(screen: Screen): Promise<void> {
  const startedAt = performance.now();
  const { values } = parseArgs({ options: { "data-dir": { type: "string" } } });
  const dataDir = resolve(values["data-dir"] ?? `${CHECKOUT}/.sandglass/demo`);
  if (process.getuid?.() !== 0) {
    throw new Error("sandboxes are built by root on this machine. Run:\n\n  sudo make demo");
  }
  // The demo has a daemon of its own; what is set for another one is not meant for it.
  for (const name of Object.keys(process.env)) if (name.startsWith("SANDGLASS_")) delete process.env[name];

  screen.line(paint("bold", "Sandglass: an agent at work in sandboxes that you can see through"));
  const starting = DemoDaemon.start(dataDir);
  stopWithUs(starting);
  const daemon = await starting;
  let analysis: Analysis;
  try {
    screen.line(paint("dim", `daemon ${daemon.url}, record ${shown(dataDir)}`));
    analysis = await analyse(new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey }), screen);
    await showRecord(analysis, daemon, dataDir, screen);
  } finally {
    complainOf(await daemon.stop());
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  screen.heading("What next");
  screen.line(
    `Done in ${seconds} s. The daemon has stopped and left nothing running. Its data stays; to open it again:\n`,
  );
  screen.line(paint("bold", `  ${sudo()}./bin/sandglass serve --data-dir ${shown(dataDir)}\n`));
  screen.line("and beside it, in another terminal, to look at all of it in a browser:\n");
  screen.line(paint("bold", `  ${sudo()}./bin/sandglass console\n`));
  screen.line("or for example:\n");
  const { traceId, sandboxIds } = analysis;
  for (const [command, what] of [
    [`trace ${traceId} --events`, "every event in its place"],
    [`logs ${sandboxIds.at(-1)}`, "what its code wrote"],
    ["tail", "events as they happen"],
  ] as const) {
    screen.line(`  ${`${sudo()}./bin/sandglass ${command}`.padEnd(72)} ${paint("dim", what)}`);
  }
  screen.line(
    `\nHow this agent is made: ${shown(import.meta.dirname)}/. Smaller examples: examples/README.md`,
  );
}

/** The record of the run, by the commands that show it. */
async function showRecord(
  { runId, traceId }: Analysis,
  daemon: DemoDaemon,
  dataDir: string,
  screen: Screen,
): Promise<void> {
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_CREDENTIALS: credentialsFile(dataDir) };
  const show = async (...args: string[]): Promise<void> => {
    const line = args.map((arg) => (/[*!]/.test(arg) ? `'${arg}'` : arg)).join(" ");
    screen.line(paint("dim", `$ ./bin/sandglass ${line}`));
    const child = spawn(SANDGLASS, args, { stdio: "inherit", env });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`sandglass ${args[0]} ended with ${code}`);
  };
  screen.heading("What happened, in order");
  await show("tail", "--since-start", "--no-follow", "--run", runId, "--types", STORY);
  screen.heading("What caused what");
  await show("trace", traceId);
}

/** Ctrl-C, or nobody who reads on (`make demo | head`), ends the daemon too, in order. */
function stopWithUs(starting: Promise<DemoDaemon>): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    process.stderr.write("\nstopping the daemon\n");
    const leave = (): never => process.exit(130);
    starting.then((daemon) => daemon.stop()).then(leave, leave);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  process.stdout.on("error", stop);
}

/** @throws Error naming what is left running */
function complainOf({ processes, mounts, loopDevices }: Leftovers): void {
  const left = [
    ...processes.map((pid) => `process ${pid}`),
    ...mounts.map((mount) => `mount ${mount}`),
    ...loopDevices.map((device) => `loop device ${device}`),
  ];
  if (left.length > 0) throw new Error(`the daemon has stopped, and left behind: ${left.join(", ")}`);
}

/** A path as one would type it in the checkout. */
function shown(path: string): string {
  const short = relative(CHECKOUT, path);
  return short.startsWith("..") ? path : short;
}

/** Whoever needed it for the demo needs it for the data that root owns now. */
function sudo(): string {
  return process.env.SUDO_USER === undefined ? "" : "sudo ";
}

try {
  await main(new Screen());
} catch (error) {
  const { message } = error as Error;
  const hint = error instanceof SandglassError && error.hint !== undefined ? `\n${error.hint}` : "";
  process.stderr.write(`\ndemo: ${message}${hint}\n`);
  process.exitCode = 1;
}
