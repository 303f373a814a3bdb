import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Isolation } from "@sandglass/protocol";
import { callHttp, noTraces, sandboxPids, startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type CreateSandboxOptions, type Sandbox } from "sandglass";
import { Neighbour } from "./neighbour.ts";

/** What the daemon may say of an attack: no stack traces, no warnings, nothing that was not caught. */
const TROUBLE = /^\s+at |Warning: |unhandled|uncaught/im;

/** A real daemon, a neighbour that minds its own business, and secrets wherever an attack may look for some. */
export class AttackedHost implements AsyncDisposable {
  readonly isolation: Isolation;
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly neighbour: Neighbour;
  /** A directory of the host that everyone there may read, with `secret` in it. */
  readonly directory: string;
  /** Listens on the host's loopback, and says a secret to whoever comes. */
  readonly port: number;
  /** The name, without its leading NUL, of an abstract socket that does the same. */
  readonly abstractName: string;
  /** What must never be in anything that comes out of a sandbox, by where it is. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly #stack: AsyncDisposableStack;
  readonly #servants: readonly number[];
  #logsRead = 0;

  static async start(isolation: Isolation): Promise<AttackedHost> {
    await using stack = new AsyncDisposableStack();
    const secret = (): string => `secret-${randomBytes(12).toString("hex")}`;
    const secrets = { file: secret(), environment: secret(), socket: secret(), neighbour: secret() };
    const directory = await mkdtemp(join(tmpdir(), "sg-hostile-"));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    await writeFile(join(directory, "secret"), secrets.file, { mode: 0o644 });
    const tcp = await listening(secrets.socket, { port: 0, host: "127.0.0.1" }, stack);
    const abstractName = `sg-hostile-${randomBytes(6).toString("hex")}`;
    await listening(secrets.socket, { path: `\0${abstractName}` }, stack);
    const daemon = stack.use(
      await startDaemon({
        args: ["--pool", "python=0"],
        env: { HOSTILE_CANARY: secrets.environment, SANDGLASS_SELF_METRICS: "false" },
      }),
    );
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    stack.defer(() => client.close());
    const neighbour = await Neighbour.create(client, isolation, secrets.neighbour);
    return new AttackedHost(
      {
        ...{ isolation, daemon, client, neighbour, directory, abstractName },
        port: (tcp.address() as AddressInfo).port,
        secrets: { ...secrets, key: daemon.apiKey },
      },
      stack.move(),
    );
  }

  private constructor(
    parts: Pick<
      AttackedHost,
      "isolation" | "daemon" | "client" | "neighbour" | "directory" | "port" | "abstractName" | "secrets"
    >,
    stack: AsyncDisposableStack,
  ) {
    this.isolation = parts.isolation;
    this.daemon = parts.daemon;
    this.client = parts.client;
    this.neighbour = parts.neighbour;
    this.directory = parts.directory;
    this.port = parts.port;
    this.abstractName = parts.abstractName;
    this.secrets = parts.secrets;
    this.#stack = stack;
    this.#servants = childrenOf(parts.daemon.pid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  create(options: CreateSandboxOptions = {}): Promise<Sandbox> {
    return this.client.sandboxes.create({ template: "python", isolation: this.isolation, ...options });
  }

  /** The host's pids of what runs in the neighbour. */
  neighbourPids(): number[] {
    return sandboxPids(this.neighbour.sandbox.id);
  }

  /** Everything a sandbox may do to others and did not, once one has ended. */
  async assertUnharmed(sandboxId: string): Promise<void> {
    const { daemon } = this;
    for (const route of ["GET /healthz", "GET /readyz"])
      assert.equal((await callHttp(daemon, route)).status, 200, route);
    const children = new Set(childrenOf(daemon.pid));
    for (const pid of this.#servants) assert.ok(children.has(pid), `the daemon's process ${pid} has gone`);
    await this.neighbour.assertQuiet();
    const news = daemon.logs().slice(this.#logsRead);
    this.#logsRead += news.length;
    assert.doesNotMatch(news, TROUBLE);
    await noTraces(daemon.dataDir, sandboxId);
    await using next = await this.create();
    assert.equal((await next.commands.run(["echo", "served"])).stdout, "served\n");
  }
}

async function listening(
  answer: string,
  where: { port: number; host: string } | { path: string },
  stack: AsyncDisposableStack,
): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // who hangs up has heard it
    socket.end(answer);
  });
  server.listen(where);
  await once(server, "listening");
  stack.defer(() => void server.close());
  return server;
}

/** The daemon's own processes: the helper, the collector. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}
