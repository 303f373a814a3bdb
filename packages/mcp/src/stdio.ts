import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { StdioServerTransport, serveStdio as serveConnection } from "@modelcontextprotocol/server/stdio";
import type { Client, CreateSandboxOptions } from "sandglass";
import type { OnProblem } from "./output/failure.ts";
import { buildServer } from "./server.ts";
import { Session } from "./session.ts";

/** Of one message: a file to write is a part of one. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface StdioOptions {
  /** Calls the daemon; closed at the end. */
  client: Client;
  /** Of the session's own sandbox. */
  sandbox?: CreateSandboxOptions | undefined;
  /** Record arguments and results of calls. Default false. */
  captureContent?: boolean | undefined;
  stdin: Readable;
  /** Carries the protocol and nothing else. */
  stdout: Writable;
  /** Ends the session, as the end of stdin does. */
  signal: AbortSignal;
  /** Told of what is no caller's business; must not write to stdout. */
  onProblem: OnProblem;
}

/** Serves MCP to the process at the other end of stdin and stdout. Resolves when that has gone, or `signal` fired, and the session is closed. */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const { stdin, stdout, signal, onProblem, client, sandbox, captureContent } = options;
  const session = new Session({ client, sandbox, captureContent, transport: "stdio", onProblem });
  const over = whenOver(stdin, stdout, signal);
  const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
  const connection = serveConnection(() => buildServer(session), {
    transport,
    onerror: (error) => onProblem("the connection", error),
  });
  try {
    await over;
  } finally {
    // First the work: what was cancelled by it is not to be answered to somebody who is there no more.
    await session.close();
    await connection.close();
  }
}

/** Resolves when nobody is at the other end any more, or it is not wished that there be. */
async function whenOver(stdin: Readable, stdout: Writable, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const done = new AbortController();
  const end = { signal: done.signal };
  const ways = [
    once(stdin, "end", end),
    once(stdin, "close", end),
    once(stdout, "close", end),
    once(signal, "abort", end),
    // A pipe whose reader died.
    new Promise((resolve) => stdout.once("error", resolve)),
  ];
  for (const way of ways) way.catch(() => undefined);
  try {
    await Promise.race(ways);
  } catch (error) {
    // A stream that breaks is over as well.
    if (!(error instanceof Error)) throw error;
  } finally {
    done.abort();
  }
}
