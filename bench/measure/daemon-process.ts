import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../bin/sandglass", import.meta.url));
const READY = /\bready\b.*?(http:\/\/[^\s"]+)/;
const LOOK_EVERY_MS = 10;
const GIVE_UP_MS = 30_000;

export interface DaemonProcess {
  url: string;
  apiKey: string;
  pid: number;
  /** SIGTERM, waits for the end, and removes its data. */
  stop(): Promise<void>;
}

/**
 * `sandglass serve` on a free port with a data directory of its own. It logs to a file: reading a pipe here would be work of the
 * process that measures, in the middle of what it measures.
 *
 * @param env settings that there are no flags for
 * @throws Error with everything it wrote where it ends before it is ready
 */
export async function startDaemonProcess(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<DaemonProcess> {
  const home = await mkdtemp(join(tmpdir(), "sandglass-bench-"));
  const apiKey = randomBytes(24).toString("hex");
  const logPath = join(home, "daemon.log");
  const log = await open(logPath, "w");
  const child = spawn(COMMAND, ["serve", "--port", "0", "--data-dir", join(home, "data"), ...flags], {
    cwd: home,
    env: {
      ...withoutOurs(process.env),
      // Canaries would be measured with what is measured.
      SANDGLASS_STATUS_ENABLED: "false",
      ...env,
      SANDGLASS_API_KEYS: apiKey,
      SANDGLASS_CREDENTIALS: join(home, "credentials.json"),
    },
    stdio: ["ignore", log.fd, log.fd],
  });
  // A benchmark that is ended by an error is not to leave a daemon that the next one is measured beside.
  const endWithUs = () => child.kill("SIGTERM");
  process.once("exit", endWithUs);
  const exited = once(child, "exit");
  await once(child, "spawn");
  await log.close();
  const stop = async () => {
    process.off("exit", endWithUs);
    child.kill("SIGTERM");
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const text = await readFile(logPath, "utf8");
    const url = READY.exec(text)?.[1];
    if (url !== undefined) return { url, apiKey, pid: child.pid!, stop };
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || performance.now() > deadline) {
      await stop();
      throw new Error(`the daemon ${hasEnded ? "ended before it was" : "did not get"} ready:\n${text}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** The settings of whoever measures are not the daemon's. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("SANDGLASS_")));
}
