import assert from "node:assert/strict";

const HOP_BY_HOP = [
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "upgrade",
  "proxy-authenticate",
];
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * What a server gets is one request and nothing behind it, as every reader would have it: one way to know where it ends, every line
 * ended alike, nothing that is the proxy's own. A body that is not there to its end belongs to one whose client went away.
 *
 * @param host what the request has to be for
 */
export function assertOneRequest(bytes: Buffer, host: string): void {
  if (bytes.length === 0) return; // it went away before it said anything
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  assert.ok(end > 0, "no whole head");
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  assert.match(line, /^[A-Z-]+ [/*][\x21-\x7e\x80-\xff]* HTTP\/1\.1$/, "the request line");
  const pairs = fields.map((field) => {
    const [, name = "", value = ""] = FIELD.exec(field) ?? assert.fail(`no field: ${JSON.stringify(field)}`);
    return [name.toLowerCase(), value.trim()] as const;
  });
  const values = (wanted: string): string[] =>
    pairs.flatMap(([name, value]) => (name === wanted ? [value] : []));
  assert.deepEqual(values("host"), [host]);
  assert.deepEqual(values("connection"), ["close"]);
  for (const name of HOP_BY_HOP) assert.deepEqual(values(name), [], `${name} is passed on`);
  const framing = [...values("content-length"), ...values("transfer-encoding")];
  assert.ok(framing.length <= 1, `two ways to know where it ends: ${framing}`);
  const body = text.slice(end + 4);
  const [length] = values("content-length");
  if (length !== undefined) {
    assert.match(length, /^\d+$/);
    assert.ok(body.length <= Number(length), "something behind the request");
  } else if (framing.length === 1) {
    assert.equal(framing[0], "chunked");
    assertChunks(body);
  } else assert.equal(body, "", "something behind the request");
}

/** Chunks as they are told of, and nothing behind the last. */
function assertChunks(body: string): void {
  let at = 0;
  while (at < body.length) {
    const size = /^([0-9a-f]+)\r\n/.exec(body.slice(at, at + 20));
    if (size === null) return assert.ok(body.length - at < 20, "no chunk");
    at += size[0].length;
    const length = Number.parseInt(size[1] as string, 16);
    if (length === 0) return assert.ok("\r\n".startsWith(body.slice(at)), "something behind the last chunk");
    at += length;
    if (at < body.length) assert.ok("\r\n".startsWith(body.slice(at, at + 2)), "a chunk longer than it says");
    at += 2;
  }
}
