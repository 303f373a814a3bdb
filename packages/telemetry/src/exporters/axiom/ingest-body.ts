import { promisify } from "node:util";
import { constants, gzip, zstdCompress } from "node:zlib";
import type { LogEvent } from "../../delivery/log-event.ts";
import { eventTime } from "../http/event-time.ts";

export type Compression = "gzip" | "zstd" | "none";

const NEWLINE = Buffer.from("\n");
const BRACE = 0x7b;
// Compressing is most of what sending costs; of text like this the first level leaves little to the others.
const compress = {
  gzip: promisify<Buffer, object, Buffer>(gzip),
  zstd: promisify<Buffer, object, Buffer>(zstdCompress),
};
const OPTIONS = {
  gzip: { level: constants.Z_BEST_SPEED },
  zstd: { params: { [constants.ZSTD_c_compressionLevel]: 1 } },
};

/**
 * Events as NDJSON, each with Axiom's `_time` in front of its own fields, which are left byte for byte as they are. The work of
 * compressing is done off the main thread.
 */
export async function ingestBody(events: readonly LogEvent[], compression: Compression): Promise<Buffer> {
  const body = Buffer.concat(events.flatMap(lineOf));
  return compression === "none" ? body : compress[compression](body, OPTIONS[compression]);
}

function lineOf(event: LogEvent): Buffer[] {
  const { payload } = event;
  const time = eventTime(event);
  // What is no event goes as it is, for Axiom to refuse.
  if (time === undefined || payload[0] !== BRACE) return [payload, NEWLINE];
  return [Buffer.from(`{"_time":${JSON.stringify(time)},`), payload.subarray(1), NEWLINE];
}
