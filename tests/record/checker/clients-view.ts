/** What clients were told, as they write it down: nothing stands here that was not answered. */
export interface ClientsView {
  sandboxes: {
    id: string;
    /** Its DELETE was answered. */
    isTerminated?: boolean;
  }[];
  execs: {
    sandboxId: string;
    execId: string;
    /** Bytes that came, after decoding; all of them where there is an `exit`. */
    stdoutBytes: number;
    stderrBytes: number;
    /** The last line, where it came. */
    exit?: { cause: string; code: number };
    /** A SIGKILL to it was answered, while nothing else could end it but what ends its sandbox. */
    isKilled?: boolean;
  }[];
  /** Uploads that were answered; no two of a sandbox have the same path. */
  files: { sandboxId: string; path: string; sizeBytes: number }[];
  /** Whatever else was answered: what the record has once, on a span or directly below one, such as that of its request. */
  changes: { type: string; on?: string; below?: string }[];
  /** Ids of the events that a follower of all was shown, in this order and from the first on without a gap. */
  shown: string[];
}

/** What the record has to say about one of them. */
export interface RecordView {
  isCreated(sandboxId: string): boolean;
  causeOf(sandboxId: string): string | undefined;
  hasStarted(execId: string): boolean;
  ending(
    execId: string,
  ): { cause?: string; exitCode?: number; stdoutBytes?: number; stderrBytes?: number } | undefined;
  /** How many events tell of a write of this path, with these bytes. */
  writes(sandboxId: string, path: string, sizeBytes: number): number;
  /** How many events of this type are on a span, or directly below one. */
  count(change: ClientsView["changes"][number]): number;
  /** The how manieth event it is; undefined for one that is not there. */
  orderOf(eventId: string): number | undefined;
}

/** What ends an exec that was killed: that, or what took its sandbox away in the same moment. */
const KILLED = ["killed", "host_crash", "host_shutdown", "sandbox_ended", "driver_error"];

/** Sentences on what clients were told and the record does not have, or has otherwise. */
export function* compareWithClients(clients: ClientsView, record: RecordView): Generator<string> {
  for (const { id, isTerminated } of clients.sandboxes) {
    if (!record.isCreated(id)) yield `sandbox ${id} was answered, and was never created`;
    const cause = record.causeOf(id);
    if (isTerminated && cause !== "user") yield `sandbox ${id} was deleted, and ended with ${cause}`;
  }
  for (const { execId, stdoutBytes, stderrBytes, exit, isKilled } of clients.execs) {
    if (!record.hasStarted(execId)) yield `exec ${execId} was answered, and never started`;
    const ending = record.ending(execId);
    if (isKilled && ending !== undefined && !KILLED.includes(ending.cause ?? ""))
      yield `exec ${execId} was killed, and ended with ${ending.cause}`;
    const kept = [ending?.stdoutBytes, ending?.stderrBytes];
    if (exit === undefined) {
      if ((kept[0] ?? Infinity) < stdoutBytes || (kept[1] ?? Infinity) < stderrBytes)
        yield `exec ${execId} kept ${kept} bytes; its client got ${[stdoutBytes, stderrBytes]}`;
      continue;
    }
    if (ending?.cause !== exit.cause || ending.exitCode !== exit.code)
      yield `exec ${execId} ended for its client with ${exit.cause} ${exit.code}, in the record with ${ending?.cause} ${ending?.exitCode}`;
    if (kept[0] !== stdoutBytes || kept[1] !== stderrBytes)
      yield `exec ${execId} has ${kept} bytes in the record; its client got ${[stdoutBytes, stderrBytes]}`;
  }
  for (const { sandboxId, path, sizeBytes } of clients.files) {
    const writes = record.writes(sandboxId, path, sizeBytes);
    if (writes !== 1)
      yield `the upload of ${path} to ${sandboxId} was answered, and is recorded ${writes} times`;
  }
  for (const change of clients.changes) {
    const count = record.count(change);
    const where = change.on === undefined ? `below span ${change.below}` : `on span ${change.on}`;
    if (count !== 1) yield `${change.type} ${where} was answered, and is recorded ${count} times`;
  }
  let before: number | undefined;
  for (const id of clients.shown) {
    const order = record.orderOf(id);
    if (order === undefined) yield `event ${id} was shown, and is not in the record`;
    else if (before !== undefined && order !== before + 1)
      yield `event ${id} is number ${order}, and was shown behind number ${before}`;
    before = order;
  }
}
