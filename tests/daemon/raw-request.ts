import { connect } from "node:net";

/** A request as it goes over the wire, also where a client would mend it or refuse to send it. Latin-1 throughout. */
export interface RawRequest {
  /** Method and target: `GET //status`. */
  line: string;
  /** `name: value`, in this order. `connection: close` comes behind them. */
  headers: readonly string[];
  body: string;
}

export interface RawAnswer {
  status: number;
  /** By names in lower case; what stands there twice is joined. */
  headers: Readonly<Record<string, string>>;
  /** Everything behind the head, chunks put together. */
  body: Buffer;
}

/**
 * Sends one request over a connection of its own and reads until that is closed; of a stream of events the head alone.
 *
 * @returns undefined where it was closed without a word
 */
export async function sendRaw(url: string, request: RawRequest): Promise<RawAnswer | undefined> {
  const { hostname, port } = new URL(url);
  const { line, headers, body } = request;
  const socket = connect({ host: hostname, port: Number(port) });
  let text = "";
  await new Promise<void>((resolve) => {
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      if (/^content-type: text\/event-stream/im.test(headOf(text) ?? "")) socket.destroy();
    });
    // A reset is an end as good as any: what came before it is looked at.
    socket.on("error", () => undefined).once("close", () => resolve());
    const head = [`${line} HTTP/1.1`, ...headers, "connection: close"].join("\r\n");
    socket.write(`${head}\r\n\r\n${body}`, "latin1");
  });
  return parse(text);
}

function headOf(text: string): string | undefined {
  const end = text.indexOf("\r\n\r\n");
  return end === -1 ? undefined : text.slice(0, end);
}

function parse(text: string): RawAnswer | undefined {
  // `100 Continue` comes before the answer.
  const final = text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, "");
  const head = headOf(final);
  if (head === undefined) return undefined;
  const [first = "", ...lines] = head.split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = final.slice(head.length + 4);
  const isChunked = headers["transfer-encoding"] === "chunked";
  const body = Buffer.from(isChunked ? unchunked(rest) : rest, "latin1");
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]), headers, body };
}

function unchunked(text: string): string {
  let whole = "";
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n", at);
    const size = end === -1 ? 0 : Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return whole;
    whole += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
