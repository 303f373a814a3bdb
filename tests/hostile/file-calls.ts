import { SandglassError } from "sandglass";

/** The code of the catalogue that a call was refused with; "ok" where it was not. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (error instanceof SandglassError) return error.code;
    throw error;
  }
}

/** Bytes in pieces, with `between` run after the first. */
export async function* inPieces(
  pieces: readonly Uint8Array[],
  between: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for (const [at, piece] of pieces.entries()) {
    yield piece;
    if (at === 0) await between();
  }
}
