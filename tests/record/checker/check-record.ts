import { join } from "node:path";
import { type ClientsView, compareWithClients } from "./clients-view.ts";
import { Invariants } from "./invariants.ts";
import { readKeptOutput } from "./kept-output.ts";
import { parseRecorded } from "./recorded-event.ts";
import { readLog } from "./segments.ts";

export interface CheckOptions {
  /** What clients were told, to be found in the record. */
  clients?: ClientsView;
  /** Every sandbox and exec has to have its ending. Default true: of a directory that no daemon has, or whose daemon has begun anew. */
  isOver?: boolean;
  /**
   * Every request that caused something is in it. Default true; not so where the log refused events for a while, or where a program in the
   * daemon's own process made the calls.
   */
  areRequestsRecorded?: boolean;
  /** Requests that were under way at once, at most: a crash takes no more of them. Default: any number. */
  requestsAtOnce?: number;
}

/** What a record holds, and which rules it breaks. */
export interface CheckResult {
  records: number;
  /** Records that were deleted on purpose; not among `records`. */
  deleted: number;
  sandboxes: number;
  execs: number;
  bytes: number;
  /** One sentence each; empty where the record keeps all its promises. */
  findings: string[];
  /** Endings by cause: `exec exited`, `sandbox host_crash`, … */
  endings: Record<string, number>;
}

/** Reads the record of a data directory from its files and checks what `docs/log-format.md` promises of it. */
export function checkRecord(dataDir: string, options: CheckOptions = {}): CheckResult {
  const { clients, isOver = true, areRequestsRecorded = true, requestsAtOnce = Infinity } = options;
  const findings: string[] = [];
  const say = (sentence: string): void => void findings.push(sentence);
  let rules: Invariants | undefined;
  let records = 0;
  let bytes = 0;
  let deleted = 0;
  let last: number | undefined;
  for (const found of readLog(join(dataDir, "log"))) {
    // What the first file is named after is what the log begins with, also where that cannot be read.
    last ??= Number(found.file.slice(0, 20)) - 1;
    rules ??= new Invariants(say, last === 0);
    if (found.kind === "header") say(`${found.file}: ${found.said}`);
    if (found.kind === "damage")
      say(
        `${found.file}: ${found.bytes} bytes at ${found.offset} are no record${found.isTail ? " (the tail)" : ""}`,
      );
    if (found.kind !== "record" && found.kind !== "tombstone") continue;
    const { position } = found;
    if (position > last + 1) say(`positions ${last + 1} to ${position - 1} are missing`);
    if (position <= last) say(`position ${position} comes behind position ${last}`);
    last = position;
    if (found.kind === "tombstone") {
      deleted += 1;
      rules.takeDeleted(position, found.note);
      continue;
    }
    const { payload } = found;
    records += 1;
    bytes += payload.length;
    const event = parseRecorded(payload);
    if (typeof event === "string") say(`position ${position}: ${event}`);
    else rules.take(event);
  }
  rules ??= new Invariants(say, true);
  rules.finish(isOver, { areRequestsRecorded, requestsAtOnce });
  checkKeptOutput(dataDir, rules, say);
  if (clients) for (const sentence of compareWithClients(clients, rules)) say(sentence);
  return {
    ...{ records, deleted, sandboxes: rules.sandboxes.size, execs: rules.execs.size, bytes, findings },
    endings: endingsOf(rules),
  };
}

/** The kept streams of execs that have ended hold the bytes that the record says, and one last line with its cause. */
function checkKeptOutput(dataDir: string, rules: Invariants, say: (sentence: string) => void): void {
  for (const sandboxId of rules.sandboxes.keys()) {
    let kept: ReturnType<typeof readKeptOutput>;
    try {
      kept = readKeptOutput(dataDir, sandboxId);
    } catch (error) {
      if (rules.causeOf(sandboxId) !== undefined) say((error as Error).message);
      continue;
    }
    for (const [execId, exec] of kept ?? []) {
      if (exec.problem !== undefined) say(`the stream of exec ${execId}: ${exec.problem}`);
      const ending = rules.ending(execId);
      if (!ending) continue;
      if (ending.stdoutBytes !== exec.stdoutBytes || ending.stderrBytes !== exec.stderrBytes)
        say(
          `exec ${execId} has ${[ending.stdoutBytes, ending.stderrBytes]} bytes in the record, ${[exec.stdoutBytes, exec.stderrBytes]} are kept`,
        );
      const causes = exec.exits.map(({ cause }) => cause);
      if (causes.length !== 1 || causes[0] !== ending.cause)
        say(`exec ${execId} ended with ${ending.cause}; its stream says ${causes.join(", ") || "nothing"}`);
    }
  }
}

function endingsOf(rules: Invariants): Record<string, number> {
  const endings: Record<string, number> = {};
  const count = (name: string): void => {
    endings[name] = (endings[name] ?? 0) + 1;
  };
  for (const { ending } of rules.execs.values()) count(`exec ${ending?.cause ?? "running"}`);
  for (const { isCreated, cause } of rules.sandboxes.values())
    if (isCreated) count(`sandbox ${cause ?? "running"}`);
  return endings;
}
