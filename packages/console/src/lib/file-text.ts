/** Larger ones are not compared in a page. */
export const MAX_TEXT_BYTES: number = 256 * 1024;

/** A file's content, or in words why it is not to be shown as text. */
export type FileText = { text: string } | { why: string };

/** Reads no more than it takes to find out whether it is text to be shown. */
export async function readText({ body }: Response): Promise<FileText> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of chunksOf(body)) {
    size += part.length;
    if (size > MAX_TEXT_BYTES) return { why: `It is larger than ${MAX_TEXT_BYTES / 1024} KiB.` };
    if (part.includes(0)) return { why: "It is not text." };
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { why: "It is not text." };
    throw error;
  }
}

/** Leaving the loop early gives up the rest. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read())
      if (value !== undefined) yield value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
