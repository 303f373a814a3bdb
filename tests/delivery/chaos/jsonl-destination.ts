import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { SmallDisk } from "@sandglass/testkit";
import type { Destination } from "./destination.ts";

const ROTATE_BYTES = 2_000_000;
const DISK_BYTES = 96 * 1024 * 1024;

/** A disk of its own that is full at times; always well where there is no root to mount one. */
export async function jsonlDestination(): Promise<Destination> {
  const disk = SmallDisk.isToBeHad ? SmallDisk.mount(DISK_BYTES) : undefined;
  const home = disk?.path ?? mkdtempSync(join(tmpdir(), "sandglass-chaos-"));
  const dir = join(home, "events");
  mkdirSync(dir);
  const config = {
    filePath: join(dir, "events.jsonl"),
    rotateSizeBytes: ROTATE_BYTES,
    rotateFiles: 1000,
    gzip: true,
    flushIntervalMs: 50,
  };
  return {
    exporter: { id: "jsonl", provider: "jsonl", config, startAt: "earliest" },
    wants: () => true,
    exactlyOnce: true,
    async fail() {
      disk?.fill();
      return async () => disk?.free();
    },
    copies: async () => countIds(dir),
    async [Symbol.asyncDispose]() {
      disk?.[Symbol.dispose]();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Every line of every file, rotated or not; throws for one that is torn. */
function countIds(dir: string): Map<string, number> {
  const copies = new Map<string, number>();
  for (const name of readdirSync(dir)) {
    const bytes = readFileSync(join(dir, name));
    const lines = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").split("\n");
    if (lines.pop() !== "") throw new Error(`the last line of ${name} is torn`);
    for (const line of lines) {
      const { id } = JSON.parse(line) as { id: string };
      copies.set(id, (copies.get(id) ?? 0) + 1);
    }
  }
  return copies;
}
