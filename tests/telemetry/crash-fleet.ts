import { readFileSync } from "node:fs";
import { callHttp, jsonLines, type TestDaemon } from "@sandglass/testkit";
import type { Client, Sandbox } from "sandglass";

const SANDBOXES = 10;
const PROGRAMS = new URL("attacks/", import.meta.url);

/** One sandbox, and what it was told of what it sent. */
export interface Sender {
  name: string;
  sandboxId: string;
  execId: string;
  /** Whether its owner has an endpoint of its own. */
  isOwners: boolean;
  /** Names of spans whose request was taken, as it said itself. */
  acknowledged: Set<string>;
  protocols: Set<string>;
}

/** Ten sandboxes that send as long as they live, every other one to an endpoint of its owner as well. */
export class Fleet {
  readonly senders: Sender[] = [];
  readonly #running: Promise<void>[] = [];

  /** @param life which of the daemon's lives it is, for the names of what is sent */
  static async start(client: Client, life: number, ownersUrl: string): Promise<Fleet> {
    const fleet = new Fleet();
    await Promise.all(
      Array.from({ length: SANDBOXES }, async (_, index) => {
        const isOwners = index % 2 === 1;
        const env = { OTEL_EXPORTER_OTLP_ENDPOINT: ownersUrl };
        const options = { template: "bash", memoryMb: 128, ...(isOwners && { otelExport: true, env }) };
        const sandbox = await client.sandboxes.create(options);
        const sender = { name: `life-${life}-sandbox-${index}`, sandboxId: sandbox.id, execId: "", isOwners };
        fleet.#send(sandbox, { ...sender, acknowledged: new Set(), protocols: new Set() });
      }),
    );
    return fleet;
  }

  get acknowledged(): number {
    return this.senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  /** Resolves when every stream has ended, as it does with the daemon. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  #send(sandbox: Sandbox, sender: Sender): void {
    this.senders.push(sender);
    const run = async (): Promise<void> => {
      const onStart = ({ execId }: { execId: string }): void => {
        sender.execId = execId;
      };
      const lines = new Lines(sender);
      try {
        const command = ["python3", "-c", KEEP_SENDING, sender.name];
        for await (const event of sandbox.commands.stream(command, { onStart }))
          if (event.type === "stdout") lines.add(event.data);
      } catch {
        // The daemon was killed: what it had passed on by then is what counts.
      }
    };
    this.#running.push(run());
  }
}

/** Reads what a sender had written when the daemon was killed, which the next one has kept. */
export async function readKept(daemon: TestDaemon, sender: Sender): Promise<void> {
  const { sandboxId, execId } = sender;
  const { status, text } = await callHttp(daemon, `GET /v1/sandboxes/${sandboxId}/execs/${execId}/stream`);
  if (status !== 200) throw new Error(`the kept output of ${sender.name}: ${status} ${text}`);
  const lines = new Lines(sender);
  for (const event of jsonLines(text)) if (event.type === "stdout") lines.add(event.data);
}

/** The lines of `keep_sending.py`, in whatever pieces they come. */
class Lines {
  readonly #sender: Sender;
  #rest = "";

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [first, count, protocol = ""] = line.split(" ");
      const { name, acknowledged, protocols } = this.#sender;
      protocols.add(protocol);
      for (let index = 0; index < Number(count); index++)
        acknowledged.add(`${name}-${Number(first) + index}`);
    }
  }
}

/** `keep_sending.py` with what it imports: three files less to be written into each of some hundred sandboxes. */
const KEEP_SENDING = [
  "import sys, types",
  "def load(name, source):",
  "    module = types.ModuleType(name)",
  "    sys.modules[name] = module",
  "    exec(compile(source, name + '.py', 'exec'), module.__dict__)",
  // A text in JSON is one in Python.
  ...["otlp", "http2"].map((name) => `load("${name}", ${JSON.stringify(sourceOf(name))})`),
  `load("__main__", ${JSON.stringify(sourceOf("keep_sending"))})`,
].join("\n");

function sourceOf(name: string): string {
  return readFileSync(new URL(`${name}.py`, PROGRAMS), "utf8");
}
