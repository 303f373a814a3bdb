import type { RuntimeEvent } from "@sandglass/protocol";
import type { Rejection } from "../../delivery/exporter.ts";
import type { LogEvent } from "../../delivery/log-event.ts";
import { storableJson } from "./storable-json.ts";
import { type ByteText, bytesArray, textArray } from "./text-array.ts";

/** A batch as the parameters of an insert. */
export interface EventRows {
  readonly count: number;
  /** One a column, see `columnsOf`. */
  readonly parameters: Buffer[];
  /** What is no event. */
  readonly rejected: Rejection[];
}

type Row = { readonly texts: readonly ByteText[]; readonly data: Buffer };

const TEXT_COLUMNS = 11;
/** Twice what an envelope takes with ids of usual length. */
const HEAD_BYTES = 768;
/** An event's JSON up to its data as the recorder writes it. Texts with anything escaped are left to the parser. */
const HEAD =
  /^\{"id":"([^"\\]*)","seq":(\d+),"timestamp":"([^"\\]*)","type":"([^"\\]*)","level":"([^"\\]*)","orgId":"([^"\\]*)","sandboxId":"([^"\\]*)","runId":"([^"\\]*)","traceId":"([^"\\]*)","spanId":"([^"\\]*)","parentSpanId":"([^"\\]*)","data":(?=\{)/;

/**
 * Takes a batch apart into columns. "" is NULL. Events are cut, not parsed: the recorder writes their fields in one order, data
 * last. An event that comes alone is parsed: so one that the cutting got wrong gets its second chance when its batch was split.
 */
export function toRows(events: readonly LogEvent[], options: { readonly useJsonColumn: boolean }): EventRows {
  const texts: (ByteText | null)[][] = Array.from({ length: TEXT_COLUMNS }, () => []);
  const data: Buffer[] = [];
  const rejected: Rejection[] = [];
  for (const [index, event] of events.entries()) {
    const row = (events.length > 1 ? cut(event.payload) : undefined) ?? parsed(event);
    if (row === undefined) {
      rejected.push({ index, reason: "it is no event" });
      continue;
    }
    for (let column = 0; column < TEXT_COLUMNS; column++) texts[column]!.push(row.texts[column] || null);
    data.push(options.useJsonColumn ? storableJson(row.data) : row.data);
  }
  return { count: data.length, parameters: [...texts.map(textArray), bytesArray(data)], rejected };
}

function cut(payload: Buffer): Row | undefined {
  const head = HEAD.exec(payload.toString("latin1", 0, HEAD_BYTES));
  if (head === null) return undefined;
  return { texts: head.slice(1), data: payload.subarray(head[0].length, -1) };
}

function parsed(logEvent: LogEvent): Row | undefined {
  const event = logEvent.parse();
  if (event === undefined) return undefined;
  return { texts: textsOf(event).map(toByteText), data: Buffer.from(JSON.stringify(event.data) ?? "null") };
}

function textsOf(event: RuntimeEvent): readonly unknown[] {
  const { id, seq, timestamp, type, level, orgId, sandboxId, runId, traceId, spanId, parentSpanId } = event;
  return [id, seq, timestamp, type, level, orgId, sandboxId, runId, traceId, spanId, parentSpanId];
}

/** Text of PostgreSQL holds no NUL; half of a surrogate pair becomes U+FFFD when it is encoded. */
function toByteText(value: unknown): ByteText {
  return Buffer.from(String(value ?? "").replaceAll("\0", "\ufffd")).toString("latin1");
}
