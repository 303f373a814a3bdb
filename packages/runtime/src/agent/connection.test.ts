import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { AgentConnection } from "./connection.ts";
import {
  AGENT_VERSION,
  Channel,
  encodeChannelFrame,
  encodeFrame,
  Frame,
  INPUT_WINDOW_BYTES,
} from "./frames.ts";
import type { AgentProcess, ProcessExit } from "./process.ts";

const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * at);
  return bytes;
};
const HELLO = encodeFrame(Frame.hello, 0, u32(AGENT_VERSION));
const SPEC = { argv: ["true"], env: {}, cwd: "/", flags: 0, maxOpenFiles: 64 };

describe("a connection to an agent", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-conn-"));
  });
  after(async () => {
    for (const peer of peers) peer.destroy();
    await rm(dir, { recursive: true });
  });

  const peers: Socket[] = [];
  /** A connection, and the other end of its socket in the test's hand. */
  async function pair(
    silenceMs?: number,
  ): Promise<{ agent: AgentConnection; peer: Socket; closed: Promise<string> }> {
    const path = join(dir, String(peers.length));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const peer = connect(path);
    peers.push(peer);
    const [socket] = (await once(server, "connection")) as [Socket];
    server.close();
    peer.on("error", () => {}); // the other side hangs up on a liar in the middle of its sentence
    const agent = new AgentConnection(socket, silenceMs);
    const closed = new Promise<string>((resolve) => {
      agent.onClose = resolve;
    });
    return { agent, peer, closed };
  }

  /** With one process that was forked under the id 1. */
  async function withProcess(): Promise<Awaited<ReturnType<typeof pair>> & { process: AgentProcess }> {
    const made = await pair();
    const forked = made.agent.fork();
    made.peer.write(Buffer.concat([HELLO, encodeFrame(Frame.forked, 1, u32(42))]));
    return { ...made, process: await forked };
  }

  test("greets, forks and starts as the host asks", async () => {
    const { agent, peer, process } = await withProcess();
    assert.equal(process.pid, 42);
    const started = agent.start(process, SPEC);
    peer.write(encodeFrame(Frame.started, 1));
    await started;
    agent.close();
  });

  test("a flood is taken in pieces, one for each turn of the event loop, and none of it is lost", async () => {
    const { agent, peer, process } = await withProcess();
    const piece = Buffer.alloc(32 * 1024, "x");
    const total = 128 * piece.length;
    let [taken, inThisTurn, most] = [0, 0, 0];
    process.events = {
      onOutput: (_channel, bytes) => {
        taken += bytes.length;
        inThisTurn += bytes.length;
        most = Math.max(most, inThisTurn);
      },
      onExit: () => {},
      onLost: () => {},
    };
    process.grant(total);
    const frame = encodeChannelFrame(Frame.output, 1, Channel.stdout, piece);
    for (let sent = 0; sent < total; sent += piece.length) peer.write(frame);
    while (taken < total) {
      await new Promise(setImmediate);
      inThisTurn = 0;
    }
    assert.equal(taken, total);
    assert.ok(most <= 3 * piece.length, `${most} bytes in one turn`);
    agent.close();
  });

  const lies: [why: string, bytes: Buffer, complaint: RegExp][] = [
    ["a greeting of another version", encodeFrame(Frame.hello, 0, u32(AGENT_VERSION + 1)), /version/],
    ["a greeting without a version", encodeFrame(Frame.hello, 0), /version/],
    ["a process that nobody asked for", encodeFrame(Frame.forked, 9, u32(1)), /nobody asked/],
    ["the same process a second time", encodeFrame(Frame.forked, 1, u32(42)), /nobody asked/],
    ["a failure without its errno", encodeFrame(Frame.failed, 1), /malformed/],
    ["the exit of a stranger", encodeFrame(Frame.exited, 9, Buffer.alloc(32)), /exit/],
    ["an exit of the wrong size", encodeFrame(Frame.exited, 1, Buffer.alloc(31)), /exit/],
    ["an exit with more memory than there is", encodeFrame(Frame.exited, 1, Buffer.alloc(32, 1)), /memory/],
    ["a failure of what nobody is starting", encodeFrame(Frame.failed, 1, u32(2)), /failure/],
    ["a window of the wrong size", encodeFrame(Frame.taken, 1, Buffer.alloc(4)), /window/],
    ["output on stdin", encodeChannelFrame(Frame.output, 1, Channel.stdin, Buffer.from("x")), /channel 0/],
    ["output on channel 9", encodeChannelFrame(Frame.output, 1, 9, Buffer.from("x")), /channel 9/],
    ["output on no channel", encodeFrame(Frame.output, 1), /frame/],
    ["a frame of the host's", encodeFrame(Frame.credit, 1, u32(1)), /type 5/],
    ["more output than was granted", encodeChannelFrame(Frame.output, 1, 1, Buffer.alloc(1001)), /credit/],
    ["an answer that was not asked for", encodeChannelFrame(Frame.output, 1, 4, Buffer.alloc(1)), /credit/],
  ];
  for (const [why, bytes, complaint] of lies) {
    test(`${why} ends it, and what it was saying is lost`, async () => {
      const { agent, peer, closed, process } = await withProcess();
      process.grant(1000);
      const lost = new Promise<void>((resolve) => {
        process.events = {
          onOutput: () => {},
          onExit: () => assert.fail("it did not exit"),
          onLost: resolve,
        };
      });
      const forking = assert.rejects(agent.fork(), { code: "SANDBOX_ENDED" });
      peer.write(bytes);
      assert.match(await closed, complaint);
      await Promise.all([lost, forking]);
      await assert.rejects(agent.start(process, SPEC), { code: "SANDBOX_ENDED" });
      await assert.rejects(agent.fork(), { code: "SANDBOX_ENDED" });
    });
  }

  test("an agent that leaves before its greeting is no agent", async () => {
    const { agent, peer } = await pair();
    const ready = assert.rejects(agent.ready(), /before it said hello/);
    peer.destroy();
    await ready;
    await assert.rejects(agent.ready(), /before it said hello/);
  });

  test("one that had left before anyone looked is none either", async () => {
    const path = join(dir, "early");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const peer = connect(path);
    const [socket] = (await once(server, "connection")) as [Socket];
    server.close();
    socket.pause();
    peer.destroy();
    await once(socket, "close");
    const agent = new AgentConnection(socket);
    await assert.rejects(agent.ready(), /before it said hello/);
    await assert.rejects(agent.fork(), { code: "SANDBOX_ENDED" });
  });

  test("an agent that says nothing while something of it is waited for is given up, one that answers is not", async () => {
    const silent = await pair(50);
    const answering = await pair(50);
    let questions = 0;
    answering.peer.on("data", (bytes) => {
      assert.deepEqual(bytes.subarray(0, 9), encodeFrame(Frame.ping, 0));
      questions++;
      answering.peer.write(encodeFrame(Frame.pong, 0));
    });
    const done = answering.agent.watch.wait();
    silent.agent.watch.wait();
    assert.match(await silent.closed, /did not answer/);
    while (questions < 15) await once(answering.peer, "data");
    done();
    answering.agent.close();
    assert.equal(await answering.closed, "");
  });

  test("an agent is not asked while nobody waits for it, or while its sandbox does not run", async () => {
    const [idle, frozen, asked] = [await pair(50), await pair(50), await pair(50)];
    frozen.agent.watch.wait();
    frozen.agent.watch.isFrozen = true;
    const done = idle.agent.watch.wait();
    done();
    done();
    asked.agent.watch.wait();
    await asked.closed;
    for (const { agent, closed } of [idle, frozen]) {
      agent.close();
      assert.equal(await closed, "");
    }
    assert.deepEqual([idle.peer.bytesRead, frozen.peer.bytesRead], [0, 0]);
  });

  test("output within its credit reaches who listens; granting more lets more come", async () => {
    const { agent, peer, closed, process } = await withProcess();
    let received = 0;
    const all = new Promise<void>((resolve) => {
      process.events = {
        onOutput: (_channel, bytes) => {
          received += bytes.length;
          process.grant(bytes.length);
          if (received === 10_000) resolve();
        },
        onExit: () => {},
        onLost: () => {},
      };
    });
    process.grant(1000);
    for (let sent = 0; sent < 10; sent++) {
      const before = received;
      peer.write(encodeChannelFrame(Frame.output, 1, 1, Buffer.alloc(1000)));
      while (received === before) await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    agent.close();
    assert.equal(await closed, "");
  });

  test("a process killed before its start starts all the same, and its end is told to who comes late", async () => {
    const { agent, peer, process } = await withProcess();
    const started = agent.start(process, SPEC);
    const exited = Buffer.alloc(32);
    exited.writeUInt32LE(137, 0);
    exited.writeUInt32LE(9, 4);
    peer.write(encodeFrame(Frame.exited, 1, exited));
    await started;
    await agent.start(process, SPEC);
    const exit = await new Promise<ProcessExit>((resolve) => {
      process.events = { onOutput: () => {}, onExit: resolve, onLost: () => assert.fail("it is not lost") };
    });
    assert.deepEqual(exit, { code: 137, signal: 9, cpuMs: 0, maxRssBytes: 0 });
    agent.close();
  });

  test("what a signal ended has the code of that signal, whatever the agent says", async () => {
    const { agent, peer, process } = await withProcess();
    const ended = new Promise<ProcessExit>((resolve) => {
      process.events = { onOutput: () => {}, onExit: resolve, onLost: () => assert.fail("it is not lost") };
    });
    const exited = Buffer.alloc(32);
    exited.writeUInt32LE(15, 4);
    peer.write(encodeFrame(Frame.exited, 1, exited));
    const { code, signal } = await ended;
    assert.deepEqual([code, signal], [143, 15]);
    agent.close();
  });

  test("input waits for the window, and goes on as it opens", async () => {
    const { agent, peer, process } = await withProcess();
    let received = 0;
    peer.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    let isWritten = false;
    const written = process.write(Channel.stdin, Buffer.alloc(INPUT_WINDOW_BYTES + 10)).then(() => {
      isWritten = true;
    });
    while (received < INPUT_WINDOW_BYTES) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isWritten, false);
    peer.write(encodeFrame(Frame.taken, 1, Buffer.concat([Buffer.of(Channel.stdin), u32(10)])));
    await written;
    agent.close();
  });

  test("an agent that opens the window wider than it is gets no more than the window", async () => {
    const { agent, peer, process } = await withProcess();
    const wide = encodeFrame(Frame.taken, 1, Buffer.concat([Buffer.of(Channel.stdin), u32(0xffffffff)]));
    const forked = agent.fork();
    peer.write(Buffer.concat([wide, wide, encodeFrame(Frame.forked, 2, u32(43))]));
    await forked;
    let isWritten = false;
    const written = process.write(Channel.stdin, Buffer.alloc(2 * INPUT_WINDOW_BYTES)).then(() => {
      isWritten = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isWritten, false);
    agent.close();
    await written;
  });
});
