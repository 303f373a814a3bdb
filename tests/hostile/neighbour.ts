import assert from "node:assert/strict";
import type { Isolation } from "@sandglass/protocol";
import type { Client, Sandbox } from "sandglass";

const FILE = "/workspace/quiet.txt";
/** Listens where another sandbox might look for it, and keeps its secret in shared memory as well. */
const LISTENS = `
import multiprocessing.shared_memory, socket, threading
secret = open("${FILE}").read()
shared = multiprocessing.shared_memory.SharedMemory("neighbour", True, 4096)
shared.buf[:len(secret)] = secret.encode()
listeners = [socket.socket(socket.AF_UNIX), socket.socket()]
listeners[0].bind("\\0neighbour")
listeners[1].bind(("0.0.0.0", 7777))
def serve(listener):
    listener.listen()
    while True: listener.accept()[0].sendall(secret.encode())
for listener in listeners: threading.Thread(target=serve, args=[listener], daemon=True).start()
`;

/** A sandbox with a file, a variable, sockets and a process of its own, which nothing that others do may change. */
export class Neighbour {
  readonly sandbox: Sandbox;
  readonly #secret: string;
  readonly #processes: string;

  static async create(client: Client, isolation: Isolation, secret: string): Promise<Neighbour> {
    const sandbox = await client.sandboxes.create({
      template: "python",
      isolation,
      timeoutMs: 0,
      idleTimeoutMs: 0,
    });
    await sandbox.files.write(FILE, secret);
    const { exitCode, stderr } = await sandbox.runCode(LISTENS);
    assert.equal(exitCode, 0, stderr);
    return new Neighbour(sandbox, secret, await processesIn(sandbox));
  }

  private constructor(sandbox: Sandbox, secret: string, processes: string) {
    this.sandbox = sandbox;
    this.#secret = secret;
    this.#processes = processes;
  }

  /** It computes, has what it had, and runs what it ran. */
  async assertQuiet(): Promise<void> {
    const { sandbox } = this;
    const { result, cause, stderr } = await sandbox.runCode("secret");
    assert.deepEqual([cause, result?.["text/plain"]], ["exited", `'${this.#secret}'`], stderr);
    assert.equal(await sandbox.files.readText(FILE), this.#secret);
    assert.deepEqual(
      (await sandbox.files.list("/workspace")).map(({ name }) => name),
      ["quiet.txt"],
    );
    assert.equal(await processesIn(sandbox), this.#processes);
    assert.equal((await sandbox.info()).state, "running");
  }
}

/** Names of programs, those that wait to be told what to become and the one that asks left out. */
async function processesIn(sandbox: Sandbox): Promise<string> {
  const { stdout } = await sandbox.commands.run(["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null | sort"]);
  return stdout
    .split("\n")
    .filter((name) => !["cat", "sort", "sh", "sandglass-agent", ""].includes(name))
    .join();
}
