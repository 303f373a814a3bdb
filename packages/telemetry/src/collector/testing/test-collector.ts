import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { TestContext } from "node:test";
import { onEnd, temporaryDirectory } from "../../log/testing/test-log.ts";
import { Recorder } from "../../recorder.ts";
import { Collector } from "../collector.ts";
import type { CollectorSettings, SandboxOwner } from "../messages.ts";
import type { SandboxSockets } from "../served-sandboxes.ts";

/** The key that test collectors know, of the organisation `acme`. */
export const KEY = "Bearer sg_test";

export interface TestCollector {
  readonly collector: Collector;
  readonly recorder: Recorder;
  readonly dataDir: string;
  readonly problems: string[];
  /** Ends as a daemon does; `openTestCollector` with the same directory starts anew. */
  close(deadlineMs?: number): Promise<void>;
}

/** A collector in a process of its own, beside a record. */
export async function openTestCollector(
  t: TestContext,
  options: Partial<CollectorSettings> = {},
): Promise<TestCollector> {
  const opened = await beginTestCollector(t, options);
  await opened.collector.ready();
  return opened;
}

/** As {@link openTestCollector}, while its process is still being started. */
export async function beginTestCollector(
  t: TestContext,
  options: Partial<CollectorSettings> = {},
): Promise<TestCollector> {
  const dataDir = options.dataDir ?? temporaryDirectory(t);
  const recorder = await Recorder.open({ dataDir });
  const problems: string[] = [];
  const collector = Collector.begin({
    settings: {
      dataDir,
      durability: "process",
      maxBytes: 64 * 1024 * 1024,
      limits: {},
      env: {},
      cwd: dataDir,
      ownOrigins: [],
      retry: { initialMs: 5, maxMs: 50, stallAfterMs: 100 },
      derive: { captureContent: false, prices: {} },
      ...options,
    },
    recorder,
    authorize: (authorization) => (authorization === KEY ? "acme" : undefined),
    onProblem: (message) => problems.push(message),
  });
  let isClosed = false;
  const close = async (deadlineMs = 2_000): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await collector.stop(deadlineMs);
    await recorder.close();
  };
  onEnd(t, () => close(100));
  return { collector, recorder, dataDir, problems, close };
}

/** What stands in for a sandbox's network: ports of this machine's own loopback, listened on before they are handed over. */
export class LoopbackSandbox {
  httpPort = 0;
  grpcPort = 0;
  /** As a runtime opens them: anew on the same ports each time. */
  readonly open = async (): Promise<SandboxSockets> => {
    const http = await listen(this.httpPort);
    const grpc = await listen(this.grpcPort);
    this.httpPort = http.port;
    this.grpcPort = grpc.port;
    return { http: http.handle, grpc: grpc.handle };
  };

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }
}

async function listen(port: number): Promise<{ handle: object; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: bound } = server.address() as { port: number };
  // The listening socket itself, as a minder hands it over; the server around it is not to be used.
  const { _handle: handle } = server as Server & { _handle: { onconnection: unknown } };
  return { handle, port: bound };
}

export function ownerOf(more: Partial<SandboxOwner> = {}): SandboxOwner {
  return { orgId: "acme", template: "python", runId: "run_1", isTrusted: true, ...more };
}

/** The pids of collectors that children of this process are. */
export function collectorPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return (
          parent === process.pid &&
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("sandglass-collector")
        );
      } catch {
        return false; // it ended while it was looked at
      }
    });
}
