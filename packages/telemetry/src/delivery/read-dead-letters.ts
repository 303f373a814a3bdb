import { join } from "node:path";
import { type DeadLetter, type Page, SandglassError } from "@sandglass/protocol";
import { DeadLetterSource, type LetterPlace } from "./dead-letter-source.ts";

/** Looked through for one page, which may then have fewer letters than were asked for, and a next page all the same. */
const MAX_PAGE_BYTES = 1024 * 1024;
const CURSOR = /^(\d{1,20}):(\d{1,15}) (\d{1,20}):(\d{1,15})$/;

export interface DeadLetterQuery {
  /** At least 1. */
  limit: number;
  cursor?: string | undefined;
  /** Only of this organisation; undefined is of all. */
  orgId?: string | undefined;
}

/**
 * What an exporter's destination would not take, of events and of telemetry together, the latest first.
 *
 * @param dataDir of the daemon
 * @throws SandglassError INVALID_CURSOR; what the file system throws
 */
export async function readDeadLetters(
  dataDir: string,
  exporterId: string,
  query: DeadLetterQuery,
): Promise<Page<DeadLetter>> {
  const places = query.cursor === undefined ? [] : decodeCursor(query.cursor);
  const path = join(dataDir, "dead-letters", exporterId);
  await using events = await DeadLetterSource.open(`${path}.jsonl`, places[0]);
  await using telemetry = await DeadLetterSource.open(`${path}.telemetry.jsonl`, places[1]);
  const items: DeadLetter[] = [];
  for (let taken = 0; ; taken++) {
    const [event, request] = [await events.peek(), await telemetry.peek()];
    if (event === undefined && request === undefined) return { items };
    const isFull = items.length >= query.limit || events.readBytes + telemetry.readBytes > MAX_PAGE_BYTES;
    // Whatever its size, one is taken: else there would be no way past it.
    if (isFull && taken > 0) return { items, nextCursor: encodeCursor(events.place, telemetry.place) };
    const isEvent = request === undefined || (event !== undefined && event.deadAt >= request.deadAt);
    const found = isEvent ? event : request;
    (isEvent ? events : telemetry).take();
    if (found?.letter === undefined) continue;
    if (query.orgId === undefined || found.orgId === query.orgId) items.push(found.letter);
  }
}

function encodeCursor(...places: readonly LetterPlace[]): string {
  return Buffer.from(places.map(({ file, end }) => `${file}:${end}`).join(" ")).toString("base64url");
}

function decodeCursor(cursor: string): [LetterPlace, LetterPlace] {
  const match = CURSOR.exec(Buffer.from(cursor, "base64url").toString());
  if (match === null) {
    throw new SandglassError("INVALID_CURSOR", "the cursor is none of this list's", {
      hint: "leave it out to begin with the latest",
    });
  }
  const [, eventFile = "0", eventEnd, telemetryFile = "0", telemetryEnd] = match;
  return [
    { file: BigInt(eventFile), end: Number(eventEnd) },
    { file: BigInt(telemetryFile), end: Number(telemetryEnd) },
  ];
}
