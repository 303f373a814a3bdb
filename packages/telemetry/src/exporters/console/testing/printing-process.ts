/**
 * Prints events on its stdout by the `console` exporter. With `argv[2]` "pretty" a few, and ends; else until the exporter is disabled, and
 * says on stderr meanwhile whether it waits for the reader.
 */
import { newPlace, terminated } from "../../../record/testing/event-inputs.ts";
import { consoleExporter } from "../../console.ts";
import { batchOf, eventOf } from "./console-events.ts";

const isShort = process.argv[2] === "pretty";
const prepared = consoleExporter.prepare(
  { format: isShort ? "pretty" : "json" },
  { env: process.env, cwd: "/", isTrusted: true, ownOrigins: [] },
);
const exporter = await prepared.open({ checkpoint: undefined });
const { signal } = new AbortController();
let batches = 0;
let seen = 0;
const timer = setInterval(() => {
  process.stderr.write(batches === seen ? "waiting\n" : "printing\n");
  seen = batches;
}, 5);
for (;;) {
  const batch = batchOf(Array.from({ length: isShort ? 2 : 100 }, () => eventOf(terminated(newPlace()))));
  const result = await exporter.export(batch, { signal });
  batches += 1;
  if (result.status !== "ok")
    process.stderr.write(`${result.status} ${"reason" in result ? result.reason : ""}\n`);
  if (result.status !== "ok" || isShort) break;
}
clearInterval(timer);
await exporter.shutdown();
