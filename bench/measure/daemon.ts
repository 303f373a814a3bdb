import { setTimeout as delay } from "node:timers/promises";
import { Client, type Sandbox } from "sandglass";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

/** What a sandbox that just ended still costs the host: its mounts and groups are given back behind the answer. */
const SETTLE_MS = 20;
const LOOK_EVERY_MS = 5;
const GIVE_UP_MS = 60_000;

/** A daemon in a process of its own, with a client in this one: the way every user goes. */
export class MeasuredDaemon implements AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  readonly url: string;
  readonly apiKey: string;
  readonly #daemon: DaemonProcess;

  private constructor(daemon: DaemonProcess) {
    this.#daemon = daemon;
    this.pid = daemon.pid;
    this.url = daemon.url;
    this.apiKey = daemon.apiKey;
    this.client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  }

  /**
   * @param options `pool`: ready python sandboxes, default none, so that nothing is refilled while something else is measured;
   *   `maxSandboxes`: default the daemon's; `isRecording`, `hasCollector`: default true; `observability`: where events and telemetry go, default nowhere
   */
  static async start(
    options: {
      pool?: number;
      maxSandboxes?: number;
      isRecording?: boolean;
      hasCollector?: boolean;
      observability?: object;
    } = {},
  ): Promise<MeasuredDaemon> {
    const { pool = 0, maxSandboxes, isRecording = true, hasCollector = true, observability } = options;
    const daemon = await startDaemonProcess(
      [
        ...["--pool", `python=${pool}`],
        ...(maxSandboxes === undefined ? [] : ["--max-sandboxes", String(maxSandboxes)]),
        ...(isRecording ? [] : ["--no-recording"]),
        ...(hasCollector ? [] : ["--no-collector-enabled"]),
      ],
      observability && { SANDGLASS_OBSERVABILITY: JSON.stringify(observability) },
    );
    const measured = new MeasuredDaemon(daemon);
    if (pool > 0) await measured.poolIsFull();
    return measured;
  }

  /** Resolves when the pool has all its sandboxes and what ended before has been given back. */
  async poolIsFull(): Promise<void> {
    const deadline = performance.now() + GIVE_UP_MS;
    for (;;) {
      const { url, apiKey } = this.#daemon;
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${apiKey}` } });
      const text = await answer.text();
      const gauge = (name: string) =>
        Number(new RegExp(`^sandglass_pool_${name}\\{template="python"\\} (\\d+)$`, "m").exec(text)?.[1]);
      if (gauge("ready") === gauge("target")) break;
      if (performance.now() > deadline) throw new Error(`the pool was not filled in ${GIVE_UP_MS / 1000} s`);
      await delay(LOOK_EVERY_MS);
    }
    await delay(SETTLE_MS);
  }

  /** Ends a sandbox and lets the host settle, so that the next sample does not pay for it. */
  async discard(sandbox: Sandbox): Promise<void> {
    await sandbox.terminate();
    await delay(SETTLE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.#daemon.stop();
  }
}
