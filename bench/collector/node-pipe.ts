/** The peer without any work of its own: a Node server that writes what it is sent to a file and sends it on, unread. */
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerCalls } from "../measure/answer-calls.ts";
import { Subject } from "../measure/subject.ts";

/** As many as our collector has under way. */
const CONNECTIONS = 4;
/** What is kept on disk; it begins anew then. */
const FILE_BYTES = 512 * 1024 * 1024;

export class NodePipe implements AsyncDisposable {
  readonly #subject: Subject;
  readonly port: number;

  private constructor(subject: Subject, port: number) {
    this.#subject = subject;
    this.port = port;
  }

  /** @param url of the sink, whole */
  static async start(url: string, core?: number): Promise<NodePipe> {
    const subject = await Subject.start(new URL(import.meta.url), core);
    return new NodePipe(subject, await subject.call<number>("listen", url));
  }

  get pid(): number {
    return this.#subject.pid;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Pipe {
  readonly #dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-"));
  readonly #fd = openSync(join(this.#dir, "bodies"), "w");
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #server = createServer((incoming, response) => this.#take(incoming, response));
  #url = "";
  #at = 0;

  async listen(url: string): Promise<number> {
    this.#url = url;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    closeSync(this.#fd);
    rmSync(this.#dir, { recursive: true });
  }

  #take(incoming: IncomingMessage, response: ServerResponse): void {
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      const body = Buffer.concat(pieces);
      if (this.#at + body.length > FILE_BYTES) this.#at = 0;
      writeSync(this.#fd, body, 0, body.length, this.#at);
      this.#at += body.length;
      response.setHeader("content-type", "application/x-protobuf").end();
      this.#send(body);
    });
  }

  #send(body: Buffer): void {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const outgoing = request(this.#url, { method: "POST", agent: this.#agent, headers });
    outgoing.on("response", (answer) => answer.resume());
    outgoing.on("error", (error) => console.error("the pipe lost a request", error));
    outgoing.end(body);
  }
}

if (import.meta.main) {
  const pipe = new Pipe();
  answerCalls({ listen: (url: string) => pipe.listen(url) }, () => pipe.close());
}
