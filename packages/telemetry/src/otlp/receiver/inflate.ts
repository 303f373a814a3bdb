import { createGunzip, gunzipSync } from "node:zlib";
import type { Encoding } from "./export-answer.ts";
import type { Refusal } from "./intake.ts";
import type { RequestPermit } from "./request-permit.ts";

/** A body up to this size is inflated at once, for a call to another thread and back would take longer than that itself… */
const SMALL_BYTES = 16 * 1024;
/** …unless it becomes larger than this, which takes about half a millisecond. */
const SMALL_INFLATED_BYTES = 256 * 1024;
/** One turn of zlib's threads, which all senders share: so much goes in, and so much comes out. */
const SLICE_BYTES = 64 * 1024;
/** Nothing that deflate writes gets smaller (zlib's "maximum compression factor"). */
const LARGEST_RATIO = 1032;
/** The last four bytes of a member: how long it was, modulo 2^32. */
const SIZE_BYTES = 4;

/**
 * Inflates a body in gzip (RFC 1952), also of several members. It stops as soon as the body turns out to be larger than it may be: what
 * it has taken by then is that and one slice. A sender's bodies are inflated one after the other.
 *
 * @param permit has what is inflated beside the body itself. Ended where a refusal is returned
 */
export async function inflate(
  body: Uint8Array,
  encoding: Encoding,
  permit: RequestPermit,
): Promise<Uint8Array | Refusal> {
  const maxBytes = permit.maxInflatedBytes(encoding);
  const small = body.length <= SMALL_BYTES ? inflateSmall(body, permit, maxBytes) : undefined;
  if (small !== undefined) return small;
  const { account } = permit;
  const before = account.inflating;
  const { promise, resolve } = Promise.withResolvers<void>();
  account.inflating = promise;
  try {
    await before;
    if (permit.isOver) return permit.refuse("unavailable", "its sender is gone");
    return await inflateSlices(body, permit, maxBytes);
  } finally {
    resolve();
    if (account.inflating === promise) account.inflating = undefined;
  }
}

/** Undefined where it becomes too large for this. */
function inflateSmall(
  body: Uint8Array,
  permit: RequestPermit,
  maxBytes: number,
): Uint8Array | Refusal | undefined {
  try {
    const maxOutputLength = Math.min(SMALL_INFLATED_BYTES, maxBytes + 1);
    const { buffer, engine } = gunzipSync(body, { maxOutputLength, info: true }) as unknown as Inflated;
    if (engine.bytesWritten < body.length) return malformed(permit);
    return buffer.length > maxBytes ? tooLarge(permit, maxBytes) : (permit.hold(buffer.length) ?? buffer);
  } catch (error) {
    return isTooLarge(error) ? undefined : asMalformed(error, permit);
  }
}

/** What `gunzipSync` returns with `info`. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how much of the input was used. */
  readonly engine: { readonly bytesWritten: number };
}

async function inflateSlices(
  body: Uint8Array,
  permit: RequestPermit,
  maxBytes: number,
): Promise<Uint8Array | Refusal> {
  const gunzip = createGunzip({ chunkSize: SLICE_BYTES });
  for (let at = 0; at < body.length; at += SLICE_BYTES) gunzip.write(body.subarray(at, at + SLICE_BYTES));
  gunzip.end();
  let inflated: Buffer = Buffer.allocUnsafeSlow(Math.min(likelySize(body), maxBytes));
  let length = 0;
  try {
    // Leaving the loop ends it, whatever is still to be inflated.
    for await (const slice of gunzip as AsyncIterable<Buffer>) {
      if (length + slice.length > maxBytes) return tooLarge(permit, maxBytes);
      const refusal = permit.hold(slice.length);
      if (refusal !== undefined) return refusal;
      if (length + slice.length > inflated.length) {
        inflated = grown(inflated, length, Math.min(maxBytes, 2 * (length + slice.length)));
      }
      slice.copy(inflated, length);
      length += slice.length;
    }
  } catch (error) {
    return asMalformed(error, permit);
  }
  // Zeros behind the last member are all that zlib lets be there.
  return gunzip.bytesWritten < body.length ? malformed(permit) : inflated.subarray(0, length);
}

/** What the body says of itself, which is right for one of one member. It costs nothing until it is written to. */
function likelySize(body: Uint8Array): number {
  if (body.length < SIZE_BYTES) return 0;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Math.min(view.getUint32(body.length - SIZE_BYTES, true), body.length * LARGEST_RATIO);
}

function grown(bytes: Buffer, usedBytes: number, sizeBytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(sizeBytes);
  bytes.copy(larger, 0, 0, usedBytes);
  return larger;
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

function asMalformed(error: unknown, permit: RequestPermit): Refusal {
  const { code = "" } = error as NodeJS.ErrnoException;
  // Z_MEM_ERROR and what else is not the sender's fault goes on.
  if (code !== "Z_DATA_ERROR" && code !== "Z_BUF_ERROR" && code !== "Z_NEED_DICT") throw error;
  return malformed(permit);
}

function malformed(permit: RequestPermit): Refusal {
  return permit.refuse("malformed", "the body is not gzip, or not all of it");
}

function tooLarge(permit: RequestPermit, maxBytes: number): Refusal {
  return permit.refuse("too_large", `the request has more than ${maxBytes} bytes when it is inflated`);
}
