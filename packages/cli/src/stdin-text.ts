import { isUtf8 } from "node:buffer";
import { buffer } from "node:stream/consumers";
import { SandglassError } from "sandglass";
import { UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

const MAX_BYTES = 8 * 1024 * 1024;
/** What to do with what --stdin does not take. */
const AS_FILE =
  "copy it with `sandglass files cp` and read it there, as in: sandglass exec <sandbox> --shell -- 'program < file'";

/**
 * What comes on stdin, for a command's own. The API takes it as text, so that other bytes would arrive as something else.
 *
 * @throws UsageError where it is not UTF-8, or too much
 */
export async function stdinText(terminal: Terminal): Promise<string> {
  const bytes = await buffer(terminal.stdin);
  if (bytes.length > MAX_BYTES) throw new UsageError(`--stdin takes up to 8 MiB: ${AS_FILE}`);
  if (!isUtf8(bytes))
    throw new UsageError(`--stdin takes UTF-8 text, and this holds bytes that are none: ${AS_FILE}`);
  return bytes.toString("utf8");
}

/** Runs what sends it: bytes that JSON escapes may make more of it than the daemon takes. */
export async function sendingStdin<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SandglassError) || error.code !== "PAYLOAD_TOO_LARGE") throw error;
    throw new SandglassError("PAYLOAD_TOO_LARGE", `--stdin is too much for one request: ${error.message}`, {
      hint: AS_FILE,
      requestId: error.requestId,
    });
  }
}
