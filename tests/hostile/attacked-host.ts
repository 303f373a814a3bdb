import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Isolation } from "@sandglass/protocol";
import {
  callHttp,
  noTraces,
  type StartDaemonOptions,
  sandboxPids,
  startDaemon,
  type TestDaemon,
  until,
} from "@sandglass/testkit";
import { Client, type CreateSandboxOptions, type Sandbox } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import { takeCensus } from "../record/fire/census.ts";
import type { Means } from "./attack.ts";
import { Neighbour } from "./neighbour.ts";

/** What the daemon may say of an attack: no stack traces, no warnings, nothing that was not caught. */
const TROUBLE = /^\s+at |Warning: |unhandled|uncaught/im;

/** A real daemon, a neighbour that minds its own business, and secrets wherever an attack may look for some. */
export class AttackedHost implements AsyncDisposable {
  readonly isolation: Isolation;
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly neighbour: Neighbour;
  /** Where its daemon sends what is to be observed. */
  readonly sink: OtlpSink;
  /** A directory of the host that everyone there may read, with `secret` in it. */
  readonly directory: string;
  /** Listens on the host's loopback, and says a secret to whoever comes. */
  readonly port: number;
  /** The name, without its leading NUL, of an abstract socket that does the same. */
  readonly abstractName: string;
  /** What must never be in anything that comes out of a sandbox, by where it is. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What its daemon has not got. */
  readonly lacks: readonly Means[];
  readonly #stack: AsyncDisposableStack;
  readonly #servants: readonly number[];
  /** By sandbox, where no control group has its id: what the kernel calls its pid namespaces. */
  readonly #pidNamespaces = new Map<string, string[]>();
  #logsRead = 0;

  /** @param user whom its daemon runs as, and what that one lacks; default: root, who has everything */
  static async start(
    isolation: Isolation,
    user?: StartDaemonOptions["user"],
    lacks: readonly Means[] = [],
  ): Promise<AttackedHost> {
    await using stack = new AsyncDisposableStack();
    const secret = (): string => `secret-${randomBytes(12).toString("hex")}`;
    const secrets = { file: secret(), environment: secret(), socket: secret(), neighbour: secret() };
    const directory = await mkdtemp(join(tmpdir(), "sg-hostile-"));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    await chmod(directory, 0o755);
    await writeFile(join(directory, "secret"), secrets.file, { mode: 0o644 });
    const tcp = await listening(secrets.socket, { port: 0, host: "127.0.0.1" }, stack);
    const abstractName = `sg-hostile-${randomBytes(6).toString("hex")}`;
    await listening(secrets.socket, { path: `\0${abstractName}` }, stack);
    const sink = stack.use(await OtlpSink.start());
    const exporters = [{ provider: "otel", config: { endpoint: sink.url } }];
    const daemon = stack.use(
      await startDaemon({
        args: ["--pool", "python=0"],
        env: {
          HOSTILE_CANARY: secrets.environment,
          SANDGLASS_SELF_METRICS: "false",
          SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters }),
        },
        ...(user !== undefined && { user }),
      }),
    );
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
    stack.defer(() => client.close());
    const neighbour = await Neighbour.create(client, isolation, secrets.neighbour);
    const host = new AttackedHost(
      {
        ...{ isolation, daemon, client, neighbour, sink, directory, abstractName, lacks },
        port: (tcp.address() as AddressInfo).port,
        secrets: { ...secrets, key: daemon.apiKey },
      },
      stack.move(),
    );
    await host.#note(neighbour.sandbox);
    return host;
  }

  private constructor(
    parts: Pick<
      AttackedHost,
      | "isolation"
      | "daemon"
      | "client"
      | "neighbour"
      | "sink"
      | "directory"
      | "port"
      | "abstractName"
      | "secrets"
      | "lacks"
    >,
    stack: AsyncDisposableStack,
  ) {
    this.isolation = parts.isolation;
    this.daemon = parts.daemon;
    this.client = parts.client;
    this.neighbour = parts.neighbour;
    this.sink = parts.sink;
    this.directory = parts.directory;
    this.port = parts.port;
    this.abstractName = parts.abstractName;
    this.secrets = parts.secrets;
    this.lacks = parts.lacks;
    this.#stack = stack;
    this.#servants = childrenOf(parts.daemon.pid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async create(options: CreateSandboxOptions = {}): Promise<Sandbox> {
    const { isolation, client } = this;
    const before = this.#processes();
    const sandbox = await client.sandboxes.create({ template: "python", isolation, ...options });
    await this.#note(sandbox, before);
    return sandbox;
  }

  /** The host's pids of what runs in a sandbox. */
  pidsOf(sandboxId: string): number[] {
    const namespaces = this.#pidNamespaces.get(sandboxId);
    return namespaces === undefined ? sandboxPids(sandboxId) : pidsIn(namespaces);
  }

  /** The host's pids of what runs in the neighbour. */
  neighbourPids(): number[] {
    return this.pidsOf(this.neighbour.sandbox.id);
  }

  /** @param before those there were when it was made */
  async #note({ id, commands }: Sandbox, before: readonly string[] = []): Promise<void> {
    if (!this.lacks.includes("control groups")) return;
    if (this.isolation !== "gvisor") {
      const { stdout } = await commands.run(["readlink", "/proc/self/ns/pid"]);
      this.#pidNamespaces.set(id, [stdout.trim()]);
      return;
    }
    // A guest knows its own kernel's namespaces alone: its host's are those of processes that are new below the daemon. Not the new ones,
    // for the kernel gives the number of one that is gone to the next.
    const made = this.#processes().filter((process) => !before.includes(process));
    const own = new Set(made.map((process) => namespaceOf(process.split(" ")[0] ?? "")));
    for (const nobodys of ["", namespaceOf(String(this.daemon.pid))]) own.delete(nobodys);
    assert.ok(own.size > 0, "it is in no namespace of its own");
    this.#pidNamespaces.set(id, [...own]);
  }

  /** Below the daemon, each with its pid first; nothing where they need not be told apart. */
  #processes(): string[] {
    const isUnseen = this.isolation === "gvisor" && this.lacks.includes("control groups");
    return isUnseen ? takeCensus(this.daemon.pid).processes : [];
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
    await until("its processes have gone", () => this.pidsOf(sandboxId).length === 0);
    await using next = await this.create();
    assert.equal((await next.commands.run(["echo", "served"])).stdout, "served\n");
  }
}

/** What runs in these pid namespaces, and below it in others. */
function pidsIn(namespaces: readonly string[]): number[] {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && namespaces.includes(namespaceOf(name)))
    .map(Number);
  const all = new Set(found);
  for (const pid of all) for (const child of childrenOf(pid)) all.add(child);
  return [...all];
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    // It has gone, or is nobody's to look at: no sandbox's then.
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
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

/** Of all its threads; none where it has gone. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" "))
      .filter((text) => text !== "")
      .map(Number);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
