import assert from "node:assert/strict";
import { SandglassError } from "@sandglass/protocol";
import { readMultipartFile } from "../../../packages/server/src/compat/multipart-file.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

const TYPE = "multipart/form-data; boundary=XX";
const PART = '--XX\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\ncontent';

/** A form with a file, as a client of the agent-sandbox API uploads it. */
export const multipartForm: FuzzTarget = {
  name: "multipart-form",
  watched: ["/server/src/compat/multipart-file.ts"],
  words: [
    ...[
      "--XX",
      "\r\n--XX",
      "--XX--\r\n",
      "\r\n",
      "\r\n\r\n",
      "--",
      "\n",
      PART,
      'name="file"',
      'name="other"',
      '"',
      "\\",
    ],
    ...[
      "content-disposition: form-data; ",
      "Content-Type: text/plain\r\n",
      'filename="%22%0D%0A"',
      "filename*=utf-8''%C3%A4",
    ],
    ...["filename*=utf-8''%ff", 'filename="', "\0", "x".repeat(300), "../../etc/passwd"],
  ],
  seeds: [
    `${PART}\r\n--XX--\r\n`,
    `--XX\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n${PART}\r\n--XX--`,
  ],
  async check(input) {
    const whole = await read([input]);
    assert.deepEqual(await read(pieces(input, 1)), whole, "byte by byte");
    assert.deepEqual(await read(pieces(input, 20)), whole, "in pieces");
    if (whole.content === undefined) return `${whole.error}`;
    assert.ok(input.includes(whole.content), "what is not in the form");
    assert.ok(!whole.content.includes("\r\n--XX"), "what is behind the file");
    return `${whole.content.length > 0} ${whole.filename === "f"} ${whole.error}`;
  },
};

async function read(
  chunks: readonly Buffer[],
): Promise<{ filename?: string; content?: Buffer; error?: string }> {
  let filename: string | undefined;
  try {
    const file = await readMultipartFile(TYPE, each(chunks), "file");
    ({ filename } = file);
    const content: Uint8Array[] = [];
    for await (const chunk of file.content) content.push(Uint8Array.from(chunk));
    return { filename, content: Buffer.concat(content) };
  } catch (error) {
    assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
    return { ...(filename !== undefined && { filename }), error: error.message };
  }
}

async function* each(chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
