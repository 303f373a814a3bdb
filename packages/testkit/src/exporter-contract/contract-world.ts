import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventInput, EventType, ExporterInfo, FlushResult, RuntimeEvent } from "@sandglass/protocol";
import { Delivery, type ExporterOptions, Recorder } from "@sandglass/telemetry";
import { until } from "../until.ts";
import { InvariantWatch } from "./invariant-watch.ts";
import type { ExporterHarness } from "./subject.ts";

/** Longer than any destination that is well needs. */
const FLUSH_MS = 15_000;
const RETRY = { initialMs: 5, maxMs: 40, stallAfterMs: 40 };
export const EXPORTER_ID = "contract";

/** A real record and a real delivery with one exporter, whose accounts are looked at all the time. */
export class ContractWorld {
  readonly harness: ExporterHarness;
  readonly #dir: string;
  readonly #usesThread: boolean;
  readonly #watch: InvariantWatch;
  readonly #problems: string[] = [];
  #recorder!: Recorder;
  #delivery!: Delivery;
  #isOpen = false;
  #options: ExporterOptions = { id: EXPORTER_ID, provider: "" };

  /** Runs `work` in a world with the exporter in it; ends with an error where the accounts did not add up or a secret was seen. */
  static async run(
    harness: ExporterHarness,
    usesThread: boolean,
    work: (world: ContractWorld) => Promise<void>,
  ): Promise<void> {
    const dir = await mkdtemp(join(tmpdir(), "sandglass-contract-"));
    const world = new ContractWorld(harness, dir, usesThread);
    try {
      await world.#open();
      await world.delivery.add(world.#options, { origin: "config", isTrusted: true });
      await work(world);
      world.#watch.check();
      world.#checkSecrets(await world.record());
    } finally {
      world.#watch.close();
      await world.#close(0);
      await rm(world.#dir, { recursive: true, force: true });
    }
  }

  private constructor(harness: ExporterHarness, dir: string, usesThread: boolean) {
    this.harness = harness;
    this.#dir = dir;
    this.#usesThread = usesThread;
    this.#options = { id: EXPORTER_ID, provider: harness.definition.provider, config: harness.config() };
    this.#watch = new InvariantWatch(
      () => (this.#isOpen ? this.#delivery.list() : []),
      () => this.#recorder.log.lastPosition,
    );
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  get info(): ExporterInfo {
    const info = this.#delivery.find(EXPORTER_ID);
    assert.ok(info, "the exporter is not there");
    return info;
  }

  /** Records events in this order, and resolves when they are committed. */
  async emit(events: readonly EventInput[]): Promise<void> {
    await Promise.all(events.map((event) => this.#recorder.emit(event)));
    this.#watch.check();
  }

  /** Everything recorded since the exporter is there, in the order of the log. */
  async record(): Promise<RuntimeEvent[]> {
    const events: RuntimeEvent[] = [];
    for await (const { event } of this.#recorder.read()) if (event) events.push(event);
    return events;
  }

  /** The first of this type that the record has. */
  next(type: EventType): Promise<RuntimeEvent> {
    return until(`the record has ${type}`, async () =>
      (await this.record()).find((event) => event.type === type),
    );
  }

  /** Waits until the exporter is as described. */
  untilInfo(what: string, holds: (info: ExporterInfo) => boolean): Promise<ExporterInfo> {
    return until(`the exporter ${what}; it is ${JSON.stringify(this.info)}`, () => {
      const { info } = this;
      return holds(info) ? info : undefined;
    });
  }

  /** Everything that is wanted has to be dealt with. */
  async flushAll(): Promise<FlushResult> {
    const result = await this.#delivery.flush({ timeoutMs: FLUSH_MS });
    const state = `${JSON.stringify(this.info)} ${this.#problems.join("; ")}`;
    assert.equal(result.pending, 0, `flush left something: ${state}`);
    return result;
  }

  /** Changes the exporter; what is left out stays. */
  async reconfigure(changes: Partial<ExporterOptions>): Promise<void> {
    this.#options = { ...this.#options, ...changes };
    await this.#delivery.replace(EXPORTER_ID, this.#options, { origin: "config", isTrusted: true });
  }

  async remove(): Promise<void> {
    await this.#delivery.remove(EXPORTER_ID);
  }

  async add(): Promise<void> {
    await this.#delivery.add(this.#options, { origin: "config", isTrusted: true });
  }

  /** Ends delivery and record as a daemon does. */
  shutdown(deadlineMs: number): Promise<FlushResult> {
    return this.#close(deadlineMs);
  }

  /** Opens both again on what is on disk. */
  async reopen(): Promise<void> {
    await this.#open();
    await this.#delivery.configure([this.#options]);
  }

  /** Where the readers are. Returns what takes them back there, as a crash does that comes between delivery and cursor. */
  async rememberCursors(): Promise<() => Promise<void>> {
    const [from, copy] = [join(this.#dir, "log", "cursors"), join(this.#dir, "remembered")];
    await cp(from, copy, { recursive: true });
    return async () => {
      await rm(from, { recursive: true });
      await cp(copy, from, { recursive: true });
    };
  }

  /** Lines of the dead-letter file; none where there is no file. */
  async deadLetters(): Promise<{ reason: string; event: RuntimeEvent }[]> {
    const { deadLetterFile } = this.info;
    if (deadLetterFile === undefined) return [];
    const text = await readFile(deadLetterFile, "utf8");
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  async #open(): Promise<void> {
    this.#recorder = await Recorder.open({ dataDir: this.#dir });
    this.#delivery = await Delivery.open({
      recorder: this.#recorder,
      dataDir: this.#dir,
      registry: { find: () => this.harness.definition },
      env: this.harness.env ?? {},
      cwd: this.#dir,
      retry: RETRY,
      usesThread: this.#usesThread,
      onProblem: (message, error) => this.#problems.push(`${message}: ${String(error)}`),
    });
    this.#isOpen = true;
  }

  async #close(deadlineMs: number): Promise<FlushResult> {
    if (!this.#isOpen) return { delivered: 0, dropped: 0, pending: 0 };
    const result = await this.#delivery.shutdown(deadlineMs);
    this.#isOpen = false;
    await this.#recorder.close();
    return result;
  }

  /** What was said anywhere: answers, problems, events. */
  #checkSecrets(record: readonly RuntimeEvent[]): void {
    const said = [...this.#watch.said, ...this.#problems, ...record.map((event) => JSON.stringify(event))];
    for (const secret of this.harness.secrets ?? []) {
      const leak = said.find((text) => text.includes(secret));
      assert.equal(leak, undefined, "a secret was said");
    }
  }
}
