import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeEvent } from "@sandglass/protocol";
import {
  type ExporterHarness,
  type ExporterUnderTest,
  exporterContract,
  NO_NETWORK,
  SmallDisk,
} from "@sandglass/testkit";
import { DescriptorOutput, StreamOutput } from "./console/output.ts";
import { defineConsole } from "./console.ts";

const CONFIG = { format: "json", batchSize: 20, flushIntervalMs: 10 };
/** More than a socket's buffers hold. */
const JAM_BYTES = 16 * 1024 * 1024;
const DISK_BYTES = 8 * 1024 * 1024;
const excused: ExporterUnderTest["excused"] = {
  ...NO_NETWORK,
  unavailable: "an output is there, or gone for good",
  poison: "an output takes everything",
  pathGone: "what is open has no path",
};
const guarantees = { exactlyOnce: false, order: "total" } as const;

exporterContract("console, read through a pipe", {
  guarantees,
  excused: { ...excused, fullDisk: "nothing is written to a disk" },
  start: pipedHarness,
});

if (SmallDisk.isToBeHad) {
  exporterContract("console, redirected to a file", {
    guarantees,
    excused: { ...excused, hang: "a disk that hangs cannot be had in a test" },
    start: redirectedHarness,
  });
}

/** A socket is what stands for the pipe: its reader is in this process. */
async function pipedHarness(): Promise<ExporterHarness> {
  const dir = mkdtempSync(join(tmpdir(), "sandglass-console-"));
  const server = createServer().listen(join(dir, "socket"));
  await once(server, "listening");
  const writer = connect(join(dir, "socket"));
  const [reader] = (await once(server, "connection")) as [Socket];
  let received = "";
  reader.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
  return {
    definition: defineConsole(() => new StreamOutput(writer)),
    config: () => CONFIG,
    async received() {
      // What is behind everything that was printed has come: so has that.
      const mark = `mark ${received.length}\n`;
      writer.write(mark);
      while (!received.endsWith(mark)) await once(reader, "data");
      return eventsOf(received);
    },
    async close() {
      writer.destroy();
      server.close();
      await once(server, "close");
      rmSync(dir, { recursive: true });
    },
    faults: {
      async hang() {
        reader.pause();
        writer.write(`${"jam ".repeat(JAM_BYTES / 4)}\n`);
        return { end: async () => void reader.resume() };
      },
    },
  };
}

async function redirectedHarness(): Promise<ExporterHarness> {
  const disk = SmallDisk.mount(DISK_BYTES);
  const path = join(disk.path, "stdout");
  const descriptor = openSync(path, "a");
  return {
    definition: defineConsole(() => new DescriptorOutput(descriptor)),
    config: () => CONFIG,
    received: async () => eventsOf(readFileSync(path, "utf8")),
    async close() {
      closeSync(descriptor);
      disk[Symbol.dispose]();
    },
    faults: {
      async fullDisk() {
        disk.fill();
        return { end: async () => disk.free() };
      },
    },
  };
}

function eventsOf(text: string): (RuntimeEvent & { event: RuntimeEvent })[] {
  const lines = text.split("\n").filter((line) => line !== "" && !/^(jam|mark) /.test(line));
  return lines.map((line) => {
    const event = JSON.parse(line) as RuntimeEvent;
    return { ...event, event };
  });
}
