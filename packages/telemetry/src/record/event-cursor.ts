import { SandglassError } from "@sandglass/protocol";

/** Says "behind this position" to whoever reads the record; opaque outside, so that it can come to hold more. */
export function encodeCursor(position: number): string {
  return Buffer.from(`1:${position.toString(36)}`).toString("base64url");
}

/** Throws INVALID_CURSOR for what {@link encodeCursor} did not make, or a position that the log has not reached. */
export function decodeCursor(cursor: string, lastPosition: number): number {
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const position = /^1:[0-9a-z]{1,11}$/.test(text) ? Number.parseInt(text.slice(2), 36) : Number.NaN;
  // Encoding again refuses what decodes alike but is spelled in another way.
  if (!Number.isSafeInteger(position) || encodeCursor(position) !== cursor) {
    throw new SandglassError("INVALID_CURSOR", "the cursor is not one of this API's", {
      hint: "give `after` the `cursor` of the last line you have read, unchanged; without it reading begins at the oldest event",
    });
  }
  if (position > lastPosition) {
    throw new SandglassError("INVALID_CURSOR", "the cursor points behind the end of the record", {
      hint: "it is of another data directory, or the events it names were lost in a power cut: read again without it",
    });
  }
  return position;
}
