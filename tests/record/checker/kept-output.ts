import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MAGIC = "SGOUT1\r\n";
const HEADER_BYTES = 48;
const STDOUT = 1;
const STDERR = 2;
const EXIT = 4;
const STREAM_MASK = 0x0f;

/** What is kept of one exec's stream. */
export interface KeptExec {
  stdoutBytes: number;
  stderrBytes: number;
  lines: number;
  /** The `exit` lines it has, parsed. */
  exits: { cause?: string; code?: number }[];
  /** The first number that is not the one behind the line before, or a line behind the `exit`. */
  problem?: string;
}

/**
 * The output segment of a sandbox, by exec; undefined where none is kept. As `docs/log-format.md` has it.
 *
 * @throws Error where the file ends in the middle of a line, which no daemon that is done with it leaves
 */
export function readKeptOutput(dataDir: string, sandboxId: string): Map<string, KeptExec> | undefined {
  const path = join(dataDir, "output", `${sandboxId}.out`);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  const execs = new Map<string, KeptExec>();
  if (bytes.length === 0) return execs;
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new Error(`${path} is no output segment`);
  for (let at = MAGIC.length; at < bytes.length; ) {
    const end = at + HEADER_BYTES > bytes.length ? Infinity : at + HEADER_BYTES + bytes.readUInt32LE(at);
    if (end > bytes.length) throw new Error(`${path} ends in the middle of a line at offset ${at}`);
    const execId = bytes.toString("latin1", at + 17, at + HEADER_BYTES);
    const exec = execs.get(execId) ?? { stdoutBytes: 0, stderrBytes: 0, lines: 0, exits: [] };
    execs.set(execId, exec);
    take(
      exec,
      bytes[at + 4]! & STREAM_MASK,
      bytes.readUInt32LE(at + 5),
      bytes.subarray(at + HEADER_BYTES, end),
    );
    at = end;
  }
  return execs;
}

function take(exec: KeptExec, kind: number, seq: number, payload: Buffer): void {
  if (seq !== exec.lines) exec.problem ??= `line ${exec.lines} has number ${seq}`;
  if (exec.exits.length > 0) exec.problem ??= `line ${seq} stands behind the exit`;
  exec.lines += 1;
  if (kind === STDOUT) exec.stdoutBytes += payload.length;
  if (kind === STDERR) exec.stderrBytes += payload.length;
  if (kind === EXIT) exec.exits.push(JSON.parse(payload.toString("utf8")));
}
