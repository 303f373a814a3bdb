import type { ClientsView } from "../checker/clients-view.ts";

/** What one round trip took, and when it ended. */
export interface Sample {
  operation: string;
  /** `performance.now()` */
  atMs: number;
  tookMs: number;
}

/** What the clients of a test were told, over all lives of a daemon. */
export class Told implements ClientsView {
  readonly sandboxes: ClientsView["sandboxes"] = [];
  readonly execs: ClientsView["execs"] = [];
  readonly files: ClientsView["files"] = [];
  readonly changes: ClientsView["changes"] = [];
  readonly shown: ClientsView["shown"] = [];
  readonly samples: Sample[] = [];
  /** Answers that were errors, by code. */
  readonly refusals = new Map<string, number>();
  /** Answers that no client should get. */
  readonly surprises: string[] = [];

  /** Requests that were answered as they should. */
  get answers(): number {
    return this.samples.length;
  }

  refuse(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  describe(): string {
    const refused = [...this.refusals].map(([code, count]) => `${count} ${code}`).join(", ") || "none";
    const { sandboxes, execs, files, changes, shown } = this;
    const work = `${sandboxes.length} sandboxes, ${execs.length} execs, ${files.length} uploads, ${changes.length} other changes`;
    return `${this.answers} answers: ${work}; ${shown.length} events shown; refused: ${refused}`;
  }
}
