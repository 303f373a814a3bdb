import { constants } from "node:os";
import { optionsFromFlags } from "./config/sources.ts";
import { type LoadedConfig, loadConfig, OPTIONS } from "./config.ts";
import { Daemon } from "./daemon.ts";
import { DaemonLog } from "./daemon-log.ts";
import { explain } from "./explain.ts";
import type { Mount } from "./http/mounts.ts";
import { hasTerminal, Reload } from "./reload.ts";
import { VERSION } from "./version.ts";

/** What a stop may take beyond its deadline before the process goes anyway. */
const GRACE_MS = 1_000;

/**
 * Runs the daemon until it is told to stop: SIGTERM or SIGINT ends it in order, a second one at once; so does SIGHUP where the
 * terminal was closed, else that reads the configuration again. The only place that ends the process: 0 after an orderly stop,
 * 2 where its options are wrong, 1 where it could not start or not stop in order.
 *
 * @param argv flags behind the command's name
 * @param mounts what is served beside the API
 */
export async function serve(argv: readonly string[], mounts: readonly Mount[] = []): Promise<void> {
  let loaded: LoadedConfig;
  let log: DaemonLog;
  let load: () => Promise<LoadedConfig>;
  try {
    const flags = optionsFromFlags(argv);
    if (flags.wantsHelp) return print(helpText());
    if (flags.wantsVersion) return print(VERSION);
    load = () => loadConfig({ flags: flags.given, configFile: flags.configFile });
    loaded = await load();
    log = new DaemonLog(process.stdout, loaded.config);
  } catch (error) {
    return refuse(error, 2);
  }
  const starting = Daemon.start(loaded, log, mounts);
  handleSignals(starting, loaded.config.shutdownTimeoutMs, new Reload(load, log), log);
  try {
    const daemon = await starting;
    for (const warning of daemon.warnings) log.say("WARN", warning, {});
    log.ready(daemon.baseUrl, daemon.sandglass.collector?.listening, daemon.agentSandboxUrl);
  } catch (error) {
    await log.drain(GRACE_MS);
    refuse(error);
  }
}

function handleSignals(starting: Promise<Daemon>, deadlineMs: number, reload: Reload, log: DaemonLog): void {
  const hadTerminal = hasTerminal();
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
  const onSignal = (signal: "SIGTERM" | "SIGINT" | "SIGHUP") => {
    if (isStopping) process.exit(128 + constants.signals[signal]);
    isStopping = true;
    // Whatever hangs, a supervisor that waits for us is not kept longer than it was told.
    setTimeout(() => process.exit(1), deadlineMs + GRACE_MS).unref();
    // One that could not start is refused by whoever started it.
    starting.then(stop, () => undefined);
  };
  const onHangUp = () => {
    if (hadTerminal && !hasTerminal()) onSignal("SIGHUP");
    else if (!isStopping)
      starting.then(
        (daemon) => reload.run(daemon),
        () => undefined,
      );
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal).on("SIGHUP", onHangUp);
}

/** One clear line, and the end. */
function refuse(error: unknown, code: 1 | 2 = 1): void {
  process.stderr.write(`sandglass: ${explain(error)}\n`, () => process.exit(code));
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
    "Runs the daemon in the foreground until SIGTERM or SIGINT. SIGHUP reads the configuration again: exporters and the",
    "certificate change at once, other options with the next start.",
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
    "  SANDGLASS_API_KEYS=$(openssl rand -hex 32) sandglass serve --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem",
    "  sandglass serve --allowed-hosts sandglass.example.com --trusted-proxies 127.0.0.1",
  ].join("\n");
}

// Not awaited: a configuration file that imports this package waits until this module is there.
if (import.meta.main) serve(process.argv.slice(2)).catch(refuse);
