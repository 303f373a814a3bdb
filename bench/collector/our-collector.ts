/** Our collector as the daemon starts it: beside a record, in a process of its own, with sandboxes that are ports of the loopback. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector, Recorder } from "@sandglass/telemetry";
import { LoopbackSandbox } from "../../packages/telemetry/src/collector/testing/test-collector.ts";
import { answerCalls } from "../measure/answer-calls.ts";
import { Subject } from "../measure/subject.ts";

const FLUSH_MS = 120_000;
/** One sender stands for many: it may do what all of them could. */
const NO_LIMITS = { bytesPerSecond: 1e12, itemsPerSecond: 1e12, inFlightBytes: 256 * 1024 * 1024 };

/** Where one sandbox is listened to, and the process that does. */
export interface OurPorts {
  http: number;
  grpc: number;
  /** Of the collector's process. */
  pid: number;
}

/** Each call of it is one of the methods of {@link Host} in the other process, whose child the collector is. */
export class OurCollector implements AsyncDisposable {
  readonly #subject: Subject;
  readonly ports: OurPorts;

  private constructor(subject: Subject, ports: OurPorts) {
    this.#subject = subject;
    this.ports = ports;
  }

  /**
   * @param endpoint of the destination that everything is passed on to; without one it is only kept
   * @param core for the collector and all of its threads, and for what stands for the daemon
   */
  static async start(endpoint: string | undefined, core?: number): Promise<OurCollector> {
    const subject = await Subject.start(new URL(import.meta.url), core);
    return new OurCollector(subject, await subject.call<OurPorts>("open", endpoint ?? ""));
  }

  /** Resolves when all that was accepted is delivered. */
  async flush(): Promise<void> {
    const { pending, dropped } = await this.#subject.call<{ pending: number; dropped: number }>("flush");
    if (pending + dropped > 0) throw new Error(`${pending} requests were not delivered, ${dropped} dropped`);
  }

  /** Attaches that many sandboxes more, each claimed, and resolves with the pid of what stands for the daemon. */
  attach(sandboxes: number): Promise<number> {
    return this.#subject.call("attach", sandboxes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Host {
  readonly #dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-"));
  #recorder: Recorder | undefined;
  #collector: Collector | undefined;
  #attached = 0;

  async open(endpoint: string): Promise<OurPorts> {
    this.#recorder = await Recorder.open({ dataDir: this.#dir });
    this.#collector = await Collector.start({
      settings: {
        dataDir: this.#dir,
        durability: "process",
        maxBytes: 512 * 1024 * 1024,
        limits: NO_LIMITS,
        env: {},
        cwd: this.#dir,
        ownOrigins: [],
        retry: {},
        derive: { captureContent: false, prices: {} },
      },
      recorder: this.#recorder,
      authorize: () => undefined,
      onProblem: (message, error) => console.error(message, error),
    });
    const { httpPort, grpcPort } = await this.#add();
    if (endpoint !== "") {
      const options = { provider: "otel", config: { endpoint, protocol: "http/protobuf" } };
      const owner = { origin: "config", orgId: undefined, isTrusted: true } as const;
      await this.#collector.relay([{ id: "sink", options, owner }]);
    }
    return { http: httpPort, grpc: grpcPort, pid: collectorPid() };
  }

  async attach(sandboxes: number): Promise<number> {
    await Promise.all(Array.from({ length: sandboxes }, () => this.#add()));
    return process.pid;
  }

  flush(): Promise<{ pending: number; dropped: number }> {
    return this.#collector!.flush(FLUSH_MS);
  }

  async close(): Promise<void> {
    await this.#collector?.stop(0);
    await this.#recorder?.close();
    rmSync(this.#dir, { recursive: true });
  }

  async #add(): Promise<LoopbackSandbox> {
    const sandbox = new LoopbackSandbox();
    const id = `sbx_${String(++this.#attached).padStart(32, "0")}`;
    const owner = { orgId: "default", template: "python", runId: `run_${id.slice(4)}`, isTrusted: true };
    await this.#collector!.attach(id, sandbox.open);
    await this.#collector!.claim(id, owner);
    return sandbox;
  }
}

/** The one child of this process. */
function collectorPid(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ")[0]);
}

if (import.meta.main) {
  const host = new Host();
  answerCalls(
    {
      open: (endpoint: string) => host.open(endpoint),
      attach: (sandboxes: number) => host.attach(sandboxes),
      flush: () => host.flush(),
    },
    () => host.close(),
  );
}
