import type { ExecInfo, SandboxInfo } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { EndedExec } from "./exec/ended-exec.ts";
import { sandboxEnded } from "./sandbox-ended.ts";
import type { ExecHandle, FilesHandle, SandboxHandle } from "./types.ts";

/** What is still known of a sandbox once it has ended, and nothing that it was made of. */
export class EndedSandbox implements SandboxHandle {
  readonly orgId: string;
  readonly #info: SandboxInfo;
  #execs: ReadonlyMap<string, EndedExec>;

  constructor(orgId: string, info: SandboxInfo, execs: readonly EndedExec[]) {
    this.orgId = orgId;
    this.#info = info;
    this.#execs = new Map(execs.map((exec) => [exec.id, exec]));
  }

  get id(): string {
    return this.#info.id;
  }

  /** What its execs cost in memory, about. */
  get memoryBytes(): number {
    return [...this.#execs.values()].reduce((sum, exec) => sum + exec.memoryBytes, 0);
  }

  /** The record knows them still. */
  forgetExecs(): void {
    this.#execs = new Map();
  }

  info(): SandboxInfo {
    return { ...this.#info };
  }

  execs(): ExecInfo[] {
    return [...this.#execs.values()].map((exec) => exec.info());
  }

  getExec(execId: string): ExecHandle {
    const exec = this.#execs.get(execId);
    if (exec !== undefined) return exec;
    throw new SandglassError("EXEC_NOT_FOUND", `sandbox ${this.id} has no exec ${execId}`);
  }

  async terminate(): Promise<void> {}

  exec(): Promise<never> {
    return this.#refuse();
  }

  pause(): Promise<never> {
    return this.#refuse();
  }

  resume(): Promise<never> {
    return this.#refuse();
  }

  get files(): FilesHandle {
    const refuse = (): Promise<never> => this.#refuse();
    return {
      read: refuse,
      write: refuse,
      stat: refuse,
      list: refuse,
      makeDirectory: refuse,
      move: refuse,
      remove: refuse,
    };
  }

  async #refuse(): Promise<never> {
    throw sandboxEnded(this.id, this.#info.cause);
  }
}
