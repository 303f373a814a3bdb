import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { buildOtelCollector } from "./build-otel-collector.ts";

const READY_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** The peer: the OpenTelemetry Collector with the same job, a queue in memory, and nothing kept on disk. */
export class OtelCollector implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #dir: string;

  private constructor(child: ChildProcess, dir: string, port: number) {
    this.#child = child;
    this.#dir = dir;
    this.port = port;
  }

  /**
   * @param attributes to stamp on every Resource, over those that are there
   * @throws Error where it cannot be built, or does not start
   */
  static async start(
    endpoint: string,
    attributes: Readonly<Record<string, string>>,
    core?: number,
  ): Promise<OtelCollector> {
    const program = await buildOtelCollector();
    const dir = await mkdtemp(join(tmpdir(), "sandglass-bench-"));
    const port = await freePort();
    const config = join(dir, "config.json");
    await writeFile(config, JSON.stringify(configOf(port, endpoint, attributes)));
    const pinned = core === undefined ? [] : ["taskset", "-c", String(core)];
    const [command, ...args] = [...pinned, program, "--config", `file:${config}`];
    const env = { ...process.env, GOMAXPROCS: "1" };
    const child = spawn(command!, args, { env, stdio: ["ignore", "ignore", "inherit"] });
    const collector = new OtelCollector(child, dir, port);
    try {
      await collector.#ready();
    } catch (error) {
      await collector[Symbol.asyncDispose]();
      throw error;
    }
    return collector;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    await rm(this.#dir, { recursive: true });
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (!(await answers(this.port))) {
      if (this.#child.exitCode !== null) throw new Error("the OpenTelemetry Collector ended at once");
      if (performance.now() > deadline) throw new Error("the OpenTelemetry Collector does not listen");
      await delay(LOOK_EVERY_MS);
    }
  }
}

/** JSON is YAML. */
function configOf(port: number, endpoint: string, attributes: Readonly<Record<string, string>>): object {
  const actions = Object.entries(attributes).map(([key, value]) => ({ key, value, action: "upsert" }));
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: { resource: { attributes: actions } },
    exporters: {
      otlphttp: { endpoint, compression: "none", sending_queue: { num_consumers: 4, queue_size: 100_000 } },
    },
    service: {
      pipelines: { traces: { receivers: ["otlp"], processors: ["resource"], exporters: ["otlphttp"] } },
      telemetry: { metrics: { level: "none" }, logs: { level: "error" } },
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
