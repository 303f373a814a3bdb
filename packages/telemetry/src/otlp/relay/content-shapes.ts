import type { Signal } from "../model.ts";
import {
  type Field,
  LOGS_DATA,
  METRICS_DATA,
  type Message,
  type ScalarKind,
  TRACES_DATA,
} from "../schema.ts";
import { FIXED32, FIXED64, LEN, VARINT } from "../wire.ts";

/** What to do with a field, by message and tag. */
export const UNKNOWN_FIELD = 0;
export const NUMBER = 1;
/** A number of at most 32 bits. */
export const NUMBER32 = 2;
export const FOUR_BYTES = 3;
export const EIGHT_BYTES = 4;
/** The field is known, and never has that wire type. */
export const WRONG_WIRE_TYPE = 5;
export const PACKED_NUMBERS = 6;
export const PACKED_EIGHT_BYTES = 7;
/** Text or bytes. */
export const SIZED = 8;
/** From here on: enter the message of that number. */
export const FIRST_MESSAGE = 9;

/** Above every tag of OTLP as a number: fields up to 31. */
export const TAGS = 256;

/** The action for each tag of each message, at `message * TAGS + tag`. */
export const ACTIONS: Uint8Array = new Uint8Array(64 * TAGS);

const ACTION_OF: Readonly<Record<ScalarKind, readonly [wireType: number, action: number]>> = {
  string: [LEN, SIZED],
  bytes: [LEN, SIZED],
  traceId: [LEN, SIZED],
  spanId: [LEN, SIZED],
  bool: [VARINT, NUMBER32],
  uint32: [VARINT, NUMBER32],
  sint32: [VARINT, NUMBER32],
  int64: [VARINT, NUMBER],
  uint64: [VARINT, NUMBER],
  fixed64: [FIXED64, EIGHT_BYTES],
  sfixed64: [FIXED64, EIGHT_BYTES],
  double: [FIXED64, EIGHT_BYTES],
  fixed32: [FIXED32, FOUR_BYTES],
};

const numbers = new Map<Message, number>();
const requests = {
  traces: numberOf(TRACES_DATA),
  logs: numberOf(LOGS_DATA),
  metrics: numberOf(METRICS_DATA),
};

/** The number of the request of each signal. */
export const REQUESTS: Readonly<Record<Signal, number>> = requests;
/** The number of `KeyValue`. */
export const KEY_VALUE: number = numberWith("key");
/** The number of `Span`. */
export const SPAN: number = numberWith("parentSpanId");
/** The number of `Resource`. */
export const RESOURCE: number = numberOf(partOf(partOf(TRACES_DATA, "resourceSpans"), "resource"));
/** The numbers of what counts as an item: spans, log records, data points of metrics. */
export const ITEMS: readonly number[] = [
  SPAN,
  numberWith("severityText"),
  ...numbers
    .keys()
    .filter(({ byName }) => byName.has("dataPoints"))
    .map((data) => numberOf(partOf(data, "dataPoints")))
    .toArray(),
];

function numberOf(message: Message): number {
  const known = numbers.get(message);
  if (known !== undefined) return known;
  const number = FIRST_MESSAGE + numbers.size;
  numbers.set(message, number);
  for (const field of message.byNumber.values()) describe(field, number * TAGS + field.number * 8);
  return number;
}

function describe({ kind, isRepeated }: Field, at: number): void {
  ACTIONS.fill(WRONG_WIRE_TYPE, at, at + 8);
  if (typeof kind !== "string") {
    ACTIONS[at + LEN] = numberOf(kind);
    return;
  }
  const [wireType, action] = ACTION_OF[kind];
  ACTIONS[at + wireType] = action;
  if (isRepeated && wireType === FIXED64) ACTIONS[at + LEN] = PACKED_EIGHT_BYTES;
  if (isRepeated && wireType === VARINT) ACTIONS[at + LEN] = PACKED_NUMBERS;
}

/** Of the message with a field of that name. */
function numberWith(name: string): number {
  for (const [{ byName }, number] of numbers) if (byName.has(name)) return number;
  throw new Error(`the schema has no message with ${name}`);
}

/** The message that is in that field. */
function partOf({ byName }: Message, name: string): Message {
  const kind = byName.get(name)?.kind;
  if (kind === undefined || typeof kind === "string") throw new Error(`${name} is no message`);
  return kind;
}
