import type { CallContext, StreamEvent } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";

/** As `timeout(1)` has it, and the API's other runtime. */
const TIMED_OUT_CODE = 124;
/** Of what a command writes, stdout and stderr together; it is answered in one piece. */
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;

/** How a command ended, in the words of the agent-sandbox API. */
export interface CommandAnswer {
  /** Bytes that are not UTF-8 are replaced. */
  stdout: string;
  stderr: string;
  /** 124 where the time ran out. */
  exit_code: number;
  timed_out: boolean;
}

/**
 * Runs a shell command and waits for its end. It runs on where the caller goes away: its exec is in the record.
 *
 * @param timeoutMs 0 is the sandbox's own
 */
export async function runCommand(
  sandbox: SandboxHandle,
  command: string,
  timeoutMs: number,
  context: CallContext,
): Promise<CommandAnswer> {
  const exec = await sandbox.exec({ command, ...(timeoutMs > 0 && { timeoutMs }) }, context);
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let left = MAX_ANSWER_BYTES;
  let missing = 0;
  let ending = { code: 1, cause: "driver_error", reason: "" };
  for await (const block of exec.lines({ isOwner: true })) {
    for (const line of block.split("\n")) {
      if (line === "") continue;
      const event = JSON.parse(line) as StreamEvent;
      if (event.type === "exit")
        ending = { code: event.code, cause: event.cause, reason: event.reason ?? "" };
      else if (event.type === "stdout" || event.type === "stderr") {
        const bytes = Buffer.from(event.data, event.encoding === "base64" ? "base64" : "utf8");
        const kept = bytes.subarray(0, left);
        output[event.type].push(kept);
        left -= kept.length;
        missing += bytes.length - kept.length;
      }
    }
  }
  const isTimedOut = ending.cause === "timed_out";
  const notes = [
    missing > 0 && `${missing} bytes of output are left out of this answer; exec ${exec.id} has them`,
    ending.cause !== "exited" && `ended: ${ending.cause}${ending.reason && `, ${ending.reason}`}`,
  ].filter((note) => note !== false);
  const stderr = Buffer.concat(output.stderr).toString("utf8");
  return {
    stdout: Buffer.concat(output.stdout).toString("utf8"),
    stderr: [stderr, ...notes.map((note) => `[sandglass: ${note}]\n`)].join(""),
    exit_code: isTimedOut ? TIMED_OUT_CODE : ending.code,
    timed_out: isTimedOut,
  };
}
