import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newExecId, newSandboxId, newSpanId, newTraceId, traceEnvironment } from "@sandglass/protocol";
import { DEFAULT_LIMITS } from "@sandglass/runtime";
import { AgentConnection } from "../../packages/runtime/src/agent/connection.ts";
import { startDriver } from "../../packages/runtime/src/drivers/start-driver.ts";
import { Interpreter } from "../../packages/runtime/src/exec/interpreter.ts";
import { Runners } from "../../packages/runtime/src/exec/runner.ts";
import { baseEnvironment, Templates } from "../../packages/runtime/src/templates.ts";

/**
 * A sandbox like the daemon's, talked to over the agent's unix socket and nothing else: no HTTP, no client, no events, no
 * recorded output. What is left is what isolation and the interpreter cost.
 */
export class RawAgent implements AsyncDisposable {
  readonly #interpreter: Interpreter;
  readonly #acquired: AsyncDisposableStack;

  private constructor(interpreter: Interpreter, acquired: AsyncDisposableStack) {
    this.#interpreter = interpreter;
    this.#acquired = acquired;
  }

  /** Boots the sandbox and starts its Python interpreter. Needs root, as the daemon does. */
  static async start(): Promise<RawAgent> {
    await using acquired = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), "sandglass-bench-"));
    acquired.defer(() => rm(dataDir, { recursive: true, force: true }));
    const templates = new Templates();
    const driver = await startDriver("bubblewrap", { dataDir, mountPoints: templates.mountPoints() });
    acquired.defer(() => driver.close());
    const template = templates.get("python");
    const sandbox = await driver.create({
      id: newSandboxId(),
      limits: DEFAULT_LIMITS,
      mounts: template.mounts,
    });
    const agent = new AgentConnection(sandbox.socket);
    acquired.defer(() => agent.close());
    await agent.ready();
    const interpreter = await Interpreter.start("python", await new Runners(agent, sandbox).take(), agent, {
      env: baseEnvironment(template),
      maxOpenFiles: DEFAULT_LIMITS.maxOpenFiles,
    });
    return new RawAgent(interpreter, acquired.move());
  }

  /** Runs one cell; resolves with what it printed. @throws Error where the interpreter is gone or the code failed */
  async runCode(code: string): Promise<string> {
    const interpreter = this.#interpreter;
    let stdout = "";
    interpreter.events = {
      onOutput: (_stream, bytes) => {
        stdout += bytes.toString("utf8");
        interpreter.process.grant(bytes.length);
      },
    };
    // The daemon gives every cell its place in the trace.
    const env = traceEnvironment({
      traceId: newTraceId(),
      spanId: newSpanId(),
      traceFlags: 1,
      tracestate: "",
      baggage: "",
    });
    const answer = await interpreter.run({ id: newExecId(), code, env: { ...env } });
    if (answer?.exitCode !== 0)
      throw new Error(`the cell ended with ${answer?.exitCode ?? "its interpreter"}: ${stdout}`);
    return stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#acquired.disposeAsync();
  }
}
