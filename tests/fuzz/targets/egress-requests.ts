import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { ProxyWorld } from "../../../packages/runtime/src/egress/testing/proxy-world.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { assertOneRequest } from "./one-request.ts";

/** Stands in inputs for a destination that may be reached: its port is another in each run. */
const ALLOWED = "127.0.0.1:9";
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const REQUEST = `GET http://${ALLOWED}/a HTTP/1.1\r\nHost: x\r\n\r\n`;
/** Nothing that a test sends stands still for so long by itself. */
const LIMITS = {
  requestsPerSecond: 1e9,
  headersTimeoutMs: 2000,
  idleTimeoutMs: 2000,
  keepAliveTimeoutMs: 50,
};

interface Running {
  world: ProxyWorld;
  proxy: number;
  port: number;
  /** What reached the destination, by connection, since it was last looked at. */
  reached: Buffer[][];
}

let running: Promise<Running> | undefined;

async function start(): Promise<Running> {
  const world = new ProxyWorld();
  const reached: Buffer[][] = [];
  const port = await world.tcp((socket: Socket) => {
    const chunks: Buffer[] = [];
    reached.push(chunks);
    socket.on("data", (chunk) => chunks.push(chunk));
    // Answers what is whole by the look of it; what never will be is ended by whoever sent it.
    socket.on("data", () => isWhole(Buffer.concat(chunks)) && socket.end(ANSWER));
    socket.on("end", () => socket.end());
  });
  const proxy = await world.proxy({ allow: [`127.0.0.1:${port}`] }, { limits: LIMITS });
  return { world, proxy, port, reached };
}

function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  if (length !== undefined) return text.length >= head + 4 + Number(length);
  return !/\r\ntransfer-encoding:/i.test(text.slice(0, head)) || text.endsWith("0\r\n\r\n");
}

/** Requests of a sandbox to its proxy, byte by byte over a real connection, and what of them gets out. */
export const egressRequests: FuzzTarget = {
  name: "egress-requests",
  watched: ["/runtime/src/egress/"],
  words: [
    ...[
      REQUEST,
      `CONNECT ${ALLOWED} HTTP/1.1\r\n\r\n`,
      `http://${ALLOWED}/`,
      `http://10.0.0.1/`,
      "http://localhost/",
    ],
    ...[
      "Content-Length: 3\r\n",
      "Content-Length: 03\r\n",
      "Content-Length: +3\r\n",
      "Content-Length: 3, 3\r\n",
      "abc",
    ],
    ...[
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
    ],
    ...[
      "transfer-encoding : chunked\r\n",
      "0\r\n\r\n",
      "3\r\nabc\r\n",
      "3;x=y\r\nabc\r\n",
      "Trailer: a\r\n",
      "a: b\r\n",
    ],
    ...[
      "Connection: close\r\n",
      "Connection: content-length\r\n",
      "Connection: transfer-encoding, host\r\n",
      "\n",
      "\r",
    ],
    ...[
      "Upgrade: websocket\r\n",
      "Expect: 100-continue\r\n",
      "Host: evil\r\n",
      "Proxy-Authorization: Basic x\r\n",
    ],
    ...[
      " HTTP/1.0\r\n",
      " HTTP/0.9\r\n",
      " HTTP/2.0\r\n",
      "POST ",
      "HEAD ",
      "OPTIONS * ",
      "PRI ",
      "\0",
      " folded\r\n",
      "\t",
    ],
    ...[
      "Via: 1.1 me\r\n",
      "TE: trailers\r\n",
      `GET /b HTTP/1.1\r\nHost: x\r\n\r\n`,
      "x".repeat(500),
      "\x80",
      "?",
      "#",
    ],
  ],
  seeds: [
    REQUEST,
    `POST http://${ALLOWED}/b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc${REQUEST}`,
    `POST http://${ALLOWED}/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    `CONNECT ${ALLOWED} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
  ],
  async check(input) {
    running ??= start();
    const at = await running;
    // What was let out for the input before, which had gone, may have been on its way to its destination still: that does not come twice.
    const outcome = (await outcomeOf(input, at)) ?? (await outcomeOf(input, at));
    assert.ok(outcome !== undefined, "a connection that nobody was told of");
    return outcome;
  },
  async close() {
    await (await running)?.world[Symbol.asyncDispose]();
    running = undefined;
  },
};

/** Undefined where a connection reached the destination that nobody was told of. */
async function outcomeOf(
  input: Buffer,
  { world, proxy, port, reached }: Running,
): Promise<string | undefined> {
  const bytes = Buffer.from(
    input.toString("latin1").replaceAll(/127\.0\.0\.1:9(?!\d)/g, `127.0.0.1:${port}`),
    "latin1",
  );
  reached.length = 0;
  world.reports.length = 0;
  const answer = await exchange(world.client(proxy), bytes);
  // Whatever was let out has been told of as that, and nothing else was.
  const opened = world.said("opened");
  if (reached.length > opened.length) return undefined;
  for (const { host, port: to } of opened) assert.deepEqual([host, to], ["127.0.0.1", port]);
  const isTunnel = answer.includes("200 Connection Established");
  if (!isTunnel) for (const chunks of reached) assertOneRequest(Buffer.concat(chunks), `127.0.0.1:${port}`);
  const refused = world.said("denied").map(({ reason }) => reason);
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  return `${isTunnel} ${[...new Set(statuses)].sort().join()} ${[...new Set(refused)].sort().join()} ${Math.min(reached.length, 3)}`;
}

/** Says it all, ends its half, and hears what comes to the end. */
function exchange(client: Socket, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    client.setEncoding("latin1").on("data", (text: string) => {
      answer += text;
    });
    client.once("close", () => resolve(answer));
    client.end(bytes);
  });
}
