import { type ChildProcess, spawn } from "node:child_process";
import { NATIVE } from "../native.ts";

/** How a run of the helper ended, and what it said. */
export interface NativeEnding {
  /** 0 where all went well; undefined where a signal ended it. */
  code: number | undefined;
  said: string;
}

/** A run of the native helper beside the daemon, for work that would keep this thread. Nothing of it outlives the daemon. */
export interface NativeRun {
  child: ChildProcess;
  /** Never rejects. */
  ended: Promise<NativeEnding>;
}

const MAX_SAID = 1000;

/** @param fds descriptors it has from 3 on; `signal` kills it */
export function runNative(argv: readonly string[], fds: readonly number[], signal: AbortSignal): NativeRun {
  const child = spawn(NATIVE.helper, argv, { stdio: ["ignore", "pipe", "pipe", ...fds], env: {} });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(0, MAX_SAID);
  });
  const kill = (): void => void child.kill("SIGKILL");
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  const ended = new Promise<NativeEnding>((resolve) => {
    child.once("error", (error) => resolve({ code: undefined, said: error.message }));
    child.once("close", (code) => resolve({ code: code ?? undefined, said: said.trim() }));
  }).finally(() => signal.removeEventListener("abort", kill));
  return { child, ended };
}
