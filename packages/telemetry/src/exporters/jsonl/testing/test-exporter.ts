import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Checkpoint, EventBatch, ExportResult } from "../../../delivery/exporter.ts";
import { onEnd } from "../../../log/testing/test-log.ts";
import { JsonlExporter } from "../jsonl-exporter.ts";
import type { JsonlSettings } from "../jsonl-settings.ts";

const { signal } = new AbortController();

export function settingsOf(path: string, settings: Partial<JsonlSettings> = {}): JsonlSettings {
  const defaults = {
    append: true,
    rotateSizeBytes: 0,
    rotateFiles: 10,
    gzip: false,
    mode: 0o600,
    fsync: false,
  };
  return { path, ...defaults, ...settings };
}

/** An exporter and the commits that the delivery would make. */
export class TestExporter {
  checkpoint: Checkpoint | undefined;
  readonly #test: TestContext;
  readonly #settings: JsonlSettings;
  #exporter: JsonlExporter;

  static async open(t: TestContext, settings: JsonlSettings): Promise<TestExporter> {
    const exporter = await JsonlExporter.open(settings, undefined);
    return new TestExporter(t, settings, exporter);
  }

  private constructor(t: TestContext, settings: JsonlSettings, exporter: JsonlExporter) {
    this.#test = t;
    this.#settings = settings;
    this.#exporter = exporter;
    onEnd(t, () => exporter.shutdown());
  }

  /** Exports a batch whose outcome is not committed. */
  attempt(batch: EventBatch, by: AbortSignal = signal): Promise<ExportResult> {
    return this.#exporter.export(batch, { signal: by });
  }

  /** Exports a batch and commits it. */
  async deliver(batch: EventBatch): Promise<void> {
    const result = await this.attempt(batch);
    assert.equal(result.status, "ok", JSON.stringify(result));
    if (result.status === "ok") this.checkpoint = result.checkpoint;
  }

  /** What a new process does: opens with what was committed. The old one is left as a crash leaves it, with its files open. */
  async reopen(settings: Partial<JsonlSettings> = {}): Promise<void> {
    const exporter = await JsonlExporter.open({ ...this.#settings, ...settings }, this.checkpoint);
    this.#exporter = exporter;
    onEnd(this.#test, () => exporter.shutdown());
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}

/** Names in the directory, in order. */
export function namesIn(dir: string): string[] {
  return readdirSync(dir).sort();
}

/** The text of a file, unpacked where it is compressed. */
export function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

/** The positions (`seq`) in all files of the directory, rotated ones first, in order; throws for a line that is none. */
export function positionsIn(dir: string): number[] {
  const positions: number[] = [];
  // "-" sorts before ".": `events-….jsonl` stands before `events.jsonl`.
  for (const name of namesIn(dir)) positions.push(...positionsOf(join(dir, name)));
  return positions;
}

export function positionsOf(path: string): number[] {
  const text = textOf(path);
  assert.ok(text === "" || text.endsWith("\n"), `${path} ends in a torn line`);
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
