import type { DurableLog } from "../log/durable-log.ts";
import { ErasableEvents, type Erasure } from "./erasure.ts";
import { parseEvent } from "./parse-event.ts";

const SANDBOX_ID = Buffer.from('"sandboxId":"');
const RUN_ID = Buffer.from('"runId":"');
const FILES = Buffer.from("/files/");
const QUOTE = 0x22;

/**
 * The positions of all events that go with what is deleted, each with the note that stays in its place: whose number it had, so that a
 * hole in a sequence is known for a deletion.
 */
export async function erasablePositions(log: DurableLog, erasure: Erasure): Promise<Map<number, Uint8Array>> {
  const { sandboxIds, runId } = erasure;
  const notes = new Map<number, Uint8Array>();
  const erasable = new ErasableEvents(erasure);
  const known = new Set(sandboxIds);
  // One search through memory instead of one for each record, where there is little to look for.
  const needles = [...sandboxIds, ...(runId === "" ? [] : [runId])];
  const needle = needles.length === 1 ? Buffer.from(needles[0]!) : undefined;
  for await (const items of log.readBatches({})) {
    const first = items.find((item) => "payload" in item);
    if (first === undefined) continue;
    if (needle !== undefined && first.chunk.indexOf(needle) === -1) continue;
    for (const item of items) {
      if ("gap" in item) continue;
      const { payload } = item;
      const mayBe =
        known.has(fieldOf(payload, SANDBOX_ID)) ||
        (runId !== "" && fieldOf(payload, RUN_ID) === runId) ||
        payload.indexOf(FILES) !== -1;
      const event = mayBe ? parseEvent(payload.toString("utf8")) : undefined;
      if (event === undefined || !erasable.has(event)) continue;
      const { seq, sandboxId } = event;
      notes.set(item.position, Buffer.from(JSON.stringify({ deleted: { seq, sandboxId } })));
    }
  }
  return notes;
}

/** Of the envelope, which stands before what anybody else can write: the first of that name. */
function fieldOf(payload: Buffer, name: Buffer): string {
  const start = payload.indexOf(name) + name.length;
  if (start < name.length) return "";
  return payload.toString("latin1", start, payload.indexOf(QUOTE, start));
}
