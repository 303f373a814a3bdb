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
  }[];
  /** Uploads that were answered; no two of a sandbox have the same path. */
  files: { sandboxId: string; path: string; sizeBytes: number }[];
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
}

/** Sentences on what clients were told and the record does not have, or has otherwise. */
export function* compareWithClients(clients: ClientsView, record: RecordView): Generator<string> {
  for (const { id, isTerminated } of clients.sandboxes) {
    if (!record.isCreated(id)) yield `sandbox ${id} was answered, and was never created`;
    const cause = record.causeOf(id);
    if (isTerminated && cause !== "user") yield `sandbox ${id} was deleted, and ended with ${cause}`;
  }
  for (const { execId, stdoutBytes, stderrBytes, exit } of clients.execs) {
    if (!record.hasStarted(execId)) yield `exec ${execId} was answered, and never started`;
    const ending = record.ending(execId);
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
}
