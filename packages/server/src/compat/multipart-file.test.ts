import assert from "node:assert/strict";
import { test } from "node:test";
import { readMultipartFile } from "./multipart-file.ts";

const TYPE = "multipart/form-data; boundary=XX";

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function form(...parts: [head: string, content: string | Buffer][]): Buffer {
  return Buffer.concat([
    ...parts.flatMap(([head, content]) => [
      Buffer.from(`--XX\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from("\r\n"),
    ]),
    Buffer.from("--XX--\r\n"),
  ]);
}

async function read(
  bytes: Buffer,
  size: number,
  type = TYPE,
): Promise<{ filename: string; content: Buffer }> {
  const { filename, content } = await readMultipartFile(type, inChunks(bytes, size), "file");
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(Uint8Array.from(chunk));
  return { filename, content: Buffer.concat(chunks) };
}

test("a file is the same however the form is cut into chunks, with fields around it and boundaries almost in it", async () => {
  const content = Buffer.from("\r\n--X\r\n--\r\n--XY\0\xff\r\n", "latin1");
  const bytes = form(
    ['name="before"', "1"],
    ['name="file"; filename="dir/a b.bin"', content],
    ['name="after"', "2"],
  );
  for (let size = 1; size <= bytes.length; size++)
    assert.deepEqual(await read(bytes, size), { filename: "dir/a b.bin", content }, `chunks of ${size}`);
});

test("an empty file, a preamble and a quoted boundary are taken", async () => {
  const bytes = Buffer.concat([Buffer.from("hello\r\n"), form(['name="file"; filename="e"', ""])]);
  for (const size of [1, 7, 1000])
    assert.equal((await read(bytes, size, 'multipart/form-data; boundary="XX"')).content.length, 0);
});

test("a file's name is read in both of the forms that clients send", async () => {
  const escaped = form(['name="file"; filename="a%22b\u00e4%41.txt"', "x"]);
  assert.equal((await read(escaped, 10)).filename, 'a"bä%41.txt');
  const extended = form([`name="file"; filename*=utf-8''%C3%A4%2Fb`, "x"]);
  assert.equal((await read(extended, 10)).filename, "ä/b");
});

test("what is no form, has no file, is cut off, or is more than a file is refused", async () => {
  const file = 'name="file"; filename="f"';
  const cut = form([file, "abc"]).subarray(0, -12);
  await assert.rejects(read(Buffer.from("{}"), 10, "application/json"), { code: "UNSUPPORTED_MEDIA_TYPE" });
  await assert.rejects(read(form(['name="other"; filename="f"', "x"]), 10), { code: "INVALID_REQUEST" });
  await assert.rejects(read(cut, 5), /ends before its last boundary/);
  await assert.rejects(read(Buffer.from(""), 5), { code: "INVALID_REQUEST" });
  await assert.rejects(read(form([`${file}; x="${"y".repeat(20_000)}"`, "x"]), 999), /too many headers/);
  await assert.rejects(read(form(['name="before"', "y".repeat(70_000)], [file, "x"]), 999), /too much/);
  await assert.rejects(read(form([file, "x"], ['name="z"', "y".repeat(70_000)]), 999), /too much/);
  await assert.rejects(read(Buffer.from("--XXjunk\r\n\r\n"), 5), /behind a boundary/);
});
