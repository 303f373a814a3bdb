import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type CreateSandboxOptions, type Sandbox } from "sandglass";
import { collectorPid, peakBytes } from "./collector-process.ts";
import { TelemetrySink } from "./telemetry-sink.ts";

const PROGRAMS = new URL("attacks/", import.meta.url);
/** Most that the collector may take whatever one sandbox does: it takes about 130 MB by itself, and 32 MiB are one sandbox's. */
const MAX_COLLECTOR_BYTES = 450 * 1024 * 1024;
/** What the API may take for an answer, on a machine that has other things to do as well. */
const MAX_ANSWER_MS = 5_000;
const ASK_EVERY_MS = 50;

interface NeighbourReport {
  sent: number;
  /** Of its requests. */
  statuses: Record<string, number>;
  slowestMs: number;
}

/** What an attack came to. */
export interface Withstood<Report> {
  report: Report;
  /** Requests of all sandboxes that were refused meanwhile, by reason, as `/metrics` says it; only reasons that there were. */
  refused: Record<string, number>;
  /** Most memory that the collector took. */
  peakBytes: number;
  /** The slowest answer of the daemon's API. */
  slowestMs: number;
  neighbour: NeighbourReport;
}

/** A daemon with a sandbox that attacks its collector, one that minds its own business, and a backend that gets what both send. */
export class AttackedDaemon implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly sink: TelemetrySink;
  readonly client: Client;
  readonly attacker: Sandbox;
  readonly neighbour: Sandbox;
  readonly #disposables: AsyncDisposableStack;
  #attacks = 0;

  static async start(env: Record<string, string> = {}): Promise<AttackedDaemon> {
    await using acquired = new AsyncDisposableStack();
    const sink = acquired.use(await TelemetrySink.start());
    const observability = { provider: "otel", config: { endpoint: sink.url, protocol: "http/protobuf" } };
    const daemon = acquired.use(
      await startDaemon({
        args: ["--pool", "python=0"],
        env: {
          SANDGLASS_OBSERVABILITY: JSON.stringify(observability),
          SANDGLASS_SELF_METRICS: "false",
          ...env,
        },
      }),
    );
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    acquired.defer(() => client.close());
    const [attacker, neighbour] = await Promise.all([
      sandboxWithPrograms(client),
      sandboxWithPrograms(client),
    ]);
    return new AttackedDaemon({ daemon, sink, client, attacker, neighbour }, acquired.move());
  }

  private constructor(
    parts: { daemon: TestDaemon; sink: TelemetrySink; client: Client; attacker: Sandbox; neighbour: Sandbox },
    disposables: AsyncDisposableStack,
  ) {
    this.daemon = parts.daemon;
    this.sink = parts.sink;
    this.client = parts.client;
    this.attacker = parts.attacker;
    this.neighbour = parts.neighbour;
    this.#disposables = disposables;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposables.disposeAsync();
  }

  /** {@link runProgram} in the attacker. */
  // biome-ignore lint/suspicious/noExplicitAny: as there
  attack(...command: string[]): Promise<any> {
    return runProgram(this.attacker, ...command);
  }

  /** As {@link attack}, in a sandbox of its own: what one has done is no other's debt. */
  // biome-ignore lint/suspicious/noExplicitAny: as there
  async attackAnew(...command: string[]): Promise<any> {
    await using sandbox = await sandboxWithPrograms(this.client);
    return await runProgram(sandbox, ...command);
  }

  /** Requests that were refused since the collector began, by reason. */
  async refused(): Promise<Record<string, number>> {
    const { text } = await callHttp(this.daemon, "GET /metrics");
    const found = text.matchAll(
      /^sandglass_receiver_refused_requests_total\{reason="(\w+)",transport="\w+"\} (\d+)/gm,
    );
    const counts: Record<string, number> = {};
    for (const [, reason, count] of found) counts[reason!] = (counts[reason!] ?? 0) + Number(count);
    return counts;
  }

  /**
   * Lets the neighbour send and somebody use the API while `attack` goes on, and holds the daemon to it that neither has any harm of it.
   */
  async withstands<Report>(attack: () => Promise<Report>): Promise<Withstood<Report>> {
    const { daemon, neighbour } = this;
    const pid = collectorPid(daemon.pid);
    const before = await this.refused();
    const mark = `neighbour-${++this.#attacks}`;
    const sending = Promise.withResolvers<void>();
    const running = neighbour.commands.run(["python3", "neighbour.py", mark], {
      onStdout: (text) => text.includes("sends") && sending.resolve(),
    });
    await Promise.race([sending.promise, running]);
    const attacking = attack();
    const [report, peak, slowestMs] = await Promise.all([
      attacking,
      peakBytes(pid, attacking),
      slowestAnswer(daemon, neighbour.id, attacking),
    ]);
    await neighbour.files.write(`stop-${mark}`, "");
    const { stdout, stderr } = await running;
    assert.equal(stderr, "");
    const said = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as NeighbourReport;

    assert.equal(collectorPid(daemon.pid), pid, "the collector was started again");
    assert.ok(peak < MAX_COLLECTOR_BYTES, `the collector took ${Math.round(peak / 1024 / 1024)} MiB`);
    assert.ok(slowestMs < MAX_ANSWER_MS, `the API took ${slowestMs} ms`);
    await this.#heardAll(mark, said);
    const refused = Object.entries(await this.#settled())
      .map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    return { report, refused: Object.fromEntries(refused), peakBytes: peak, slowestMs, neighbour: said };
  }

  /** All that the neighbour sent was taken, and is at the backend; and nobody put anything under its name. */
  async #heardAll(mark: string, { sent, statuses }: NeighbourReport): Promise<void> {
    assert.deepEqual(statuses, { "HTTP 200": Math.ceil(sent / 2), "gRPC 0": Math.floor(sent / 2) });
    const expected = Array.from({ length: sent }, (_, index) => `${mark}-${index}`);
    await until(`all ${sent} spans of the neighbour are there`, () => {
      const names = this.sink.namesOf(this.neighbour.id);
      return expected.every((name) => names.has(name));
    });
    const strange = [...this.sink.namesOf(this.neighbour.id)].filter((name) => /forged|attack/.test(name));
    assert.deepEqual(strange, []);
  }

  /** The counts, once they stay as they are: the collector tells them ten times a second. */
  async #settled(): Promise<Record<string, number>> {
    let last = "";
    return until("the counts are told", async () => {
      await delay(2 * ASK_EVERY_MS + 50);
      const counts = await this.refused();
      const isSame = JSON.stringify(counts) === last;
      last = JSON.stringify(counts);
      return isSame && counts;
    });
  }
}

/** Runs one of the programs in `attacks/`, and returns the JSON that its last line is. */
// biome-ignore lint/suspicious/noExplicitAny: each has a report of its own
export async function runProgram(sandbox: Sandbox, ...command: string[]): Promise<any> {
  const { stdout, stderr, exitCode } = await sandbox.commands.run(["python3", ...command], {
    timeoutMs: 90_000,
  });
  assert.equal(exitCode, 0, `${command.join(" ")}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

const ALL_PROGRAMS = readdirSync(PROGRAMS).filter((name) => name.endsWith(".py"));

/** With what is in `attacks/` in its working directory. @param names of those that it needs; default all */
export async function sandboxWithPrograms(
  client: Client,
  options: CreateSandboxOptions = {},
  names: readonly string[] = ALL_PROGRAMS,
): Promise<Sandbox> {
  const sandbox = await client.sandboxes.create({
    template: "python",
    memoryMb: 1024,
    maxPids: 2048,
    ...options,
  });
  await Promise.all(names.map((name) => sandbox.files.write(name, readFileSync(new URL(name, PROGRAMS)))));
  return sandbox;
}

async function slowestAnswer(daemon: TestDaemon, sandboxId: string, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  void work.catch(() => undefined).finally(() => (isOver = true));
  for (let slowest = 0; ; ) {
    const startedAt = performance.now();
    const { status } = await callHttp(daemon, `GET /v1/sandboxes/${sandboxId}`);
    assert.equal(status, 200);
    slowest = Math.max(slowest, Math.round(performance.now() - startedAt));
    if (isOver) return slowest;
    await delay(ASK_EVERY_MS);
  }
}
