import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import {
  ACK,
  callFrames,
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  uint32,
} from "./testing/grpc-frames.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { RawGrpcPeer } from "./testing/raw-grpc-peer.ts";
import { spanBatch } from "./testing/span-batch.ts";

const MEBIBYTE = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** Two tenants: one is attacked, the other is to notice nothing. */
async function attacked(options: ConstructorParameters<typeof GrpcHarness>[0] = {}) {
  const harness = new GrpcHarness(options);
  const port = await harness.listen(tenantNamed("sbx_bad"));
  const sender = new GrpcSender(await harness.listen(tenantNamed("sbx_good")));
  const dispose = async (): Promise<void> => {
    assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
    await sender[Symbol.asyncDispose]();
    await until("nothing is in flight", () => harness.intake.heldBytes === 0);
    await harness[Symbol.asyncDispose]();
  };
  return { harness, port, sender, [Symbol.asyncDispose]: dispose };
}

/** Sends the same again and again until the connection is cut. */
async function flood(peer: RawGrpcPeer, bytes: Buffer, maxBytes: number): Promise<number> {
  const chunk = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
  let isClosed = false;
  void peer.closed.then(() => {
    isClosed = true;
  });
  let sent = 0;
  while (!isClosed && sent < maxBytes) {
    await peer.send(chunk);
    sent += chunk.length;
    // What comes back is of no use here.
    peer.received = EMPTY;
    // The socket hears of its end between two turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isClosed, `still open after ${sent} bytes`);
  return sent;
}

const IDLE_FRAMES: Readonly<Record<string, Buffer>> = {
  PING: frame(FRAME.PING, 0, 0, Buffer.alloc(8)),
  "acknowledged PING": frame(FRAME.PING, ACK, 0, Buffer.alloc(8)),
  SETTINGS: frame(FRAME.SETTINGS, 0, 0),
  "SETTINGS that change": frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0xff, 0xff])),
  PRIORITY: frame(FRAME.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1])),
  "unknown frames": frame(0xbe, 0, 0, Buffer.alloc(20)),
  WINDOW_UPDATE: frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(1)),
};

for (const [name, bytes] of Object.entries(IDLE_FRAMES)) {
  test(`a flood of ${name} is cut off, and counted`, async () => {
    await using attack = await attacked();
    await using peer = await RawGrpcPeer.connect(attack.port);
    peer.begin();
    if (name === "WINDOW_UPDATE") await peer.send(frame(FRAME.HEADERS, END_HEADERS, 1, callHeaders()));
    await flood(peer, bytes, 1024 * MEBIBYTE);
    await until("it is counted", () => {
      const { malformed = 0, flooding = 0 } = attack.harness.intake.counts("sbx_bad").refused;
      return malformed + flooding > 0;
    });
  });
}

test("who floods with frames has all connections cut, and gets no other for a while", async () => {
  let now = 0;
  await using attack = await attacked({ intake: { now: () => now } });
  await using bystander = await RawGrpcPeer.connect(attack.port);
  bystander.begin();
  await using peer = await RawGrpcPeer.connect(attack.port);
  peer.begin();
  await peer.send(frame(FRAME.HEADERS, END_HEADERS, 1, callHeaders()));
  await flood(peer, IDLE_FRAMES.WINDOW_UPDATE!, 1024 * MEBIBYTE);
  await bystander.closed;
  await using again = await RawGrpcPeer.connect(attack.port);
  await again.closed;
  now += 600_000;
  await using later = new GrpcSender(attack.port);
  assert.equal((await later.send("traces", spanBatch(1))).code, 0);
});

test("connections that come and go, with a flood each or with nothing, are not taken for ever", async () => {
  await using attack = await attacked({ intake: { now: () => 0 } });
  const { intake } = attack.harness;
  for (const bytes of [IDLE_FRAMES.PING!, Buffer.alloc(0)]) {
    const before = intake.counts("sbx_bad").refused.connections ?? 0;
    for (let count = 0; count < 3000; count++) {
      const peer = await RawGrpcPeer.connect(attack.port);
      peer.begin();
      if (bytes.length > 0) await flood(peer, bytes, 1024 * MEBIBYTE);
      await peer[Symbol.asyncDispose]();
      if ((intake.counts("sbx_bad").refused.connections ?? 0) > before) break;
    }
    assert.ok(intake.counts("sbx_bad").refused.connections! > before);
    intake.forget("sbx_bad");
  }
});

test("calls that are reset as soon as they begin end the session", async () => {
  await using attack = await attacked();
  await using peer = await RawGrpcPeer.connect(attack.port);
  peer.begin();
  const block = callHeaders();
  for (let call = 0; call < 5000; call += 100) {
    const frames = Array.from({ length: 100 }, (_, index) => {
      const streamId = 2 * (call + index) + 1;
      return Buffer.concat([
        frame(FRAME.HEADERS, END_HEADERS, streamId, block),
        frame(FRAME.RST_STREAM, 0, streamId, uint32(8)),
      ]);
    });
    await peer.send(...frames);
  }
  await peer.closed;
  assert.ok(peer.frames().some(({ type }) => type === FRAME.GOAWAY));
});

test("headers without an end, and more of them than fit, end the call or the session", async () => {
  await using attack = await attacked();
  const big = headerBlock([["x-big", "x".repeat(15_000)]]);
  const bombs: [string, Buffer[]][] = [
    ["CONTINUATION", Array.from({ length: 2000 }, () => frame(FRAME.CONTINUATION, 0, 1, big))],
    ["empty CONTINUATION", Array.from({ length: 20_000 }, () => frame(FRAME.CONTINUATION, 0, 1))],
    // A field of 4 KB that enters the table, and then a byte for each time that it is meant (RFC 7541, 6.1).
    [
      "HPACK",
      [
        frame(
          FRAME.CONTINUATION,
          END_HEADERS,
          1,
          Buffer.concat([
            Buffer.of(0x40),
            headerBlock([["x", "y".repeat(4000)]]).subarray(1),
            Buffer.alloc(10_000, 0xbe),
          ]),
        ),
      ],
    ],
  ];
  for (const [name, frames] of bombs) {
    await using peer = await RawGrpcPeer.connect(attack.port);
    peer.begin();
    void peer.send(frame(FRAME.HEADERS, 0, 1, callHeaders()), ...frames);
    const ends: number[] = [FRAME.GOAWAY, FRAME.RST_STREAM];
    await until(
      `${name} is ended`,
      () => peer.frames().some(({ type }) => ends.includes(type)) || peer.socket.closed,
    );
  }
  assert.deepEqual(attack.harness.sink.of(tenantNamed("sbx_bad")), []);
});

test("a client that opens a thousand calls at once has a hundred of them", async () => {
  await using attack = await attacked();
  await using peer = await RawGrpcPeer.connect(attack.port);
  // It never acknowledges the server's settings.
  peer.begin();
  const block = callHeaders();
  const { harness } = attack;
  await peer.send(
    ...Array.from({ length: 1000 }, (_, index) => frame(FRAME.HEADERS, END_HEADERS, 2 * index + 1, block)),
  );
  await until("the others are refused, or the session", () => {
    const refused = peer.frames().filter(({ type }) => type === FRAME.RST_STREAM).length;
    return refused === 900 || peer.socket.closed;
  });
  assert.ok(harness.intake.heldBytes <= 100 * 4096, `${harness.intake.heldBytes} bytes are held`);
});

test("a client that never lets an answer through is cut off when its time is over", async () => {
  await using attack = await attacked({ receiveMs: 100 });
  await using peer = await RawGrpcPeer.connect(attack.port);
  // Its window is 0.
  peer.begin(Buffer.from([0, 4, 0, 0, 0, 0]));
  await peer.send(
    ...Array.from({ length: 50 }, (_, index) => callFrames(2 * index + 1, spanBatch(2))).flat(),
  );
  await until("the requests are kept", () => attack.harness.sink.requests.length === 50);
  await peer.closed;
});

test("a request in pieces of a byte is refused, long before it is all there", async () => {
  await using attack = await attacked();
  await using peer = await RawGrpcPeer.connect(attack.port);
  peer.begin();
  await peer.send(frame(FRAME.HEADERS, END_HEADERS, 1, callHeaders()));
  const prefix = Buffer.from([0, 0, 1, 0, 0]);
  await peer.send(
    ...Array.from({ length: 2000 }, (_, at) => frame(FRAME.DATA, 0, 1, Buffer.of(prefix[at] ?? 0))),
  );
  await until("it is refused", () => attack.harness.intake.counts("sbx_bad").refused.malformed);
});

test("calls that are refused over and over are a flood as well", async () => {
  await using attack = await attacked();
  await using peer = await RawGrpcPeer.connect(attack.port);
  peer.begin();
  const block = callHeaders({ ":path": "/no.such/Method" });
  let streamId = 1;
  let isClosed = false;
  void peer.closed.then(() => {
    isClosed = true;
  });
  while (!isClosed && streamId < 1_000_000) {
    await peer.send(
      ...Array.from({ length: 50 }, () => {
        streamId += 2;
        return frame(FRAME.HEADERS, END_HEADERS | END_STREAM, streamId, block);
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    peer.received = EMPTY;
  }
  assert.ok(isClosed);
});
