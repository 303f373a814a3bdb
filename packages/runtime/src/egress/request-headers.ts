/** Of one connection, not of the message (RFC 9110, section 7.6.1), and what is for a proxy alone. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The fields of a message that go on to the other side, names and values in turn as Node has them.
 *
 * @param raw `rawHeaders` of what came in
 */
export function endToEndHeaders(raw: readonly string[]): string[] {
  const dropped = new Set(HOP_BY_HOP);
  for (const [name, value] of pairs(raw)) {
    if (name !== "connection") continue;
    for (const named of value.split(",")) dropped.add(named.trim().toLowerCase());
  }
  return raw.flatMap((name, index) =>
    index % 2 === 1 || dropped.has(name.toLowerCase()) ? [] : [name, raw[index + 1] as string],
  );
}

/** Whether two readers may take different bytes for the body of a request: the way to smuggle a second one past the first reader. */
export function isFramingAmbiguous(raw: readonly string[], httpVersion: string): boolean {
  const values = (wanted: string): string[] =>
    pairs(raw).flatMap(([name, value]) => (name === wanted ? [value.trim().toLowerCase()] : []));
  const lengths = values("content-length");
  const encodings = values("transfer-encoding");
  if (lengths.length + encodings.length > 1) return true;
  if (lengths.some((length) => !/^\d{1,15}$/.test(length))) return true;
  return encodings.some((encoding) => encoding !== "chunked" || httpVersion !== "1.1");
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return raw.flatMap((name, index): [string, string][] =>
    index % 2 === 1 ? [] : [[name.toLowerCase(), raw[index + 1] as string]],
  );
}
