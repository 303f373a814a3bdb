import { constants } from "node:os";
import { SandglassError } from "@sandglass/protocol";
import { optionsFromFlags } from "./config/sources.ts";
import { ConfigError, type LoadedConfig, loadConfig, OPTIONS } from "./config.ts";
import { Daemon } from "./daemon.ts";
import { DaemonLog } from "./daemon-log.ts";
import { VERSION } from "./version.ts";

/** What a stop may take beyond its deadline before the process goes anyway. */
const GRACE_MS = 1_000;

/**
 * Runs the daemon until it is told to stop: SIGTERM or SIGINT ends it in order, a second one at once. The only place that
 * ends the process: 0 after an orderly stop, 1 where it could not start or not stop in order.
 *
 * @param argv flags behind the command's name
 */
export async function serve(argv: readonly string[]): Promise<void> {
  let loaded: LoadedConfig;
  let log: DaemonLog;
  try {
    const flags = optionsFromFlags(argv);
    if (flags.wantsHelp) return print(helpText());
    if (flags.wantsVersion) return print(VERSION);
    loaded = await loadConfig({ flags: flags.given, configFile: flags.configFile });
    log = new DaemonLog(process.stdout, loaded.config);
  } catch (error) {
    return refuse(error);
  }
  const starting = Daemon.start(loaded, log);
  handleSignals(starting, loaded.config.shutdownTimeoutMs, log);
  try {
    const daemon = await starting;
    log.ready(daemon.baseUrl);
  } catch (error) {
    await log.drain(GRACE_MS);
    refuse(error);
  }
}

function handleSignals(starting: Promise<Daemon>, deadlineMs: number, log: DaemonLog): void {
  let isStopping = false;
  const stop = async (daemon: Daemon) => {
    try {
      await daemon.stop(deadlineMs);
      await log.drain(GRACE_MS);
      process.exit(0);
    } catch (error) {
      await log.drain(GRACE_MS);
      refuse(error);
    }
  };
  const onSignal = (signal: "SIGTERM" | "SIGINT") => {
    if (isStopping) process.exit(128 + constants.signals[signal]);
    isStopping = true;
    // Whatever hangs, a supervisor that waits for us is not kept longer than it was told.
    setTimeout(() => process.exit(1), deadlineMs + GRACE_MS).unref();
    // One that could not start is refused by whoever started it.
    starting.then(stop, () => undefined);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
}

/** One clear line, and the end. */
function refuse(error: unknown): void {
  process.stderr.write(`sandglass: ${explain(error)}\n`, () => process.exit(1));
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof SandglassError)
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  if (!(error instanceof Error)) return String(error);
  const { code, address, port, path } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${address} is taken; stop what listens there or choose another with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `cannot listen on ${address ?? "the given host"}: it is no address of this machine; change --host`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return path === undefined
        ? `not permitted: ${error.message}`
        : `no permission to use ${path}; choose a directory of your own with --data-dir`;
    case "ENOSPC":
      return `no space left on the disk of the data directory (${error.message})`;
    default:
      return error.message;
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function helpText(): string {
  const rows = OPTIONS.filter(({ isSecret }) => !isSecret).map(({ flag, variable, description, choices }) => {
    const words = choices === undefined ? description : `${description} (${choices.join(", ")})`;
    return `  --${flag.padEnd(28)} ${words} [${variable}]`;
  });
  const secrets = OPTIONS.filter(({ isSecret }) => isSecret).map(
    ({ variable, description }) => `  ${variable.padEnd(30)} ${description}`,
  );
  return [
    "Usage: sandglass serve [options]",
    "",
    "Runs the daemon in the foreground until SIGTERM or SIGINT.",
    "",
    "Options (also from the environment, or from sandglass.config.ts, .js or .json here):",
    `  --${"config".padEnd(28)} Configuration file [SANDGLASS_CONFIG]`,
    ...rows,
    "",
    "From the environment or the file alone:",
    ...secrets,
    "",
    "Examples:",
    "  sandglass serve",
    "  sandglass serve --port 8080 --data-dir ./data --pool python=4",
    "  SANDGLASS_API_KEYS=$(openssl rand -hex 32) sandglass serve --host 0.0.0.0",
  ].join("\n");
}

if (import.meta.main) await serve(process.argv.slice(2));
