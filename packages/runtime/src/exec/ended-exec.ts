import { type ExecInfo, SandglassError } from "@sandglass/protocol";
import type { EndedOutput } from "../output/kept-output.ts";
import type { ExecHandle } from "../types.ts";

/** What objects cost beside the text in them. */
const COST_BYTES = 1024;

/** An exec of a sandbox that has ended: how it ended, and where its lines are. */
export class EndedExec implements ExecHandle {
  readonly #info: ExecInfo;
  readonly #output: EndedOutput;

  constructor(info: ExecInfo, output: EndedOutput) {
    this.#info = info;
    this.#output = output;
  }

  get id(): string {
    return this.#info.id;
  }

  /** What it costs to know it, about. */
  get memoryBytes(): number {
    const { code = "", command = "" } = this.#info;
    return COST_BYTES + 2 * (code.length + command.length) + this.#output.memoryBytes;
  }

  info(): ExecInfo {
    return { ...this.#info };
  }

  lines(options?: { after?: number; signal?: AbortSignal }): AsyncIterable<string> {
    return this.#output.lines(options);
  }

  async kill(): Promise<never> {
    throw new SandglassError("EXEC_ENDED", `exec ${this.id} has ended`);
  }

  get completed(): Promise<ExecInfo> {
    return Promise.resolve(this.info());
  }
}
