import { parseInt64 } from "./int64.ts";
import { ProtoReader } from "./proto-reader.ts";
import { LEN, VARINT } from "./wire.ts";

/** What the answer to an export says besides yes. */
export interface PartialSuccess {
  /** How many spans, log records or data points were not taken. 0 with a message is a warning. */
  rejected: number;
  message: string;
}

/** The name differs by signal, the number does not. */
const REJECTED_NAMES = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"] as const;

/**
 * Reads an `Export…ServiceResponse`, which is laid out alike for every signal. Undefined where it says a plain yes.
 *
 * @throws MalformedOtlpError where the bytes are no protobuf
 */
export function readExportResponse(bytes: Uint8Array): PartialSuccess | undefined {
  let partial: PartialSuccess | undefined;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === LEN) partial = readPartialSuccess(reader.bytes());
    else reader.skip();
  }
  return isPlain(partial) ? undefined : partial;
}

/** The same as JSON, already parsed. What is not of that form says a plain yes: the status did. */
export function exportResponseFromJson(json: unknown): PartialSuccess | undefined {
  const partial = Object(Object(json).partialSuccess) as Record<string, unknown>;
  const count = REJECTED_NAMES.map((name) => partial[name]).find((value) => value !== undefined);
  const { errorMessage } = partial;
  const read = {
    rejected: Math.max(0, Number(parseInt64(count, true) ?? 0)),
    message: typeof errorMessage === "string" ? errorMessage : "",
  };
  return isPlain(read) ? undefined : read;
}

function readPartialSuccess(bytes: Uint8Array): PartialSuccess {
  const partial = { rejected: 0, message: "" };
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === VARINT) {
      partial.rejected = Math.max(0, Number(reader.int64()));
    } else if (reader.field === 2 && reader.wireType === LEN) partial.message = reader.string();
    else reader.skip();
  }
  return partial;
}

/** Servers set the message with nothing in it, though the specification has them leave it out. */
function isPlain(partial: PartialSuccess | undefined): boolean {
  return partial === undefined || (partial.rejected === 0 && partial.message === "");
}
