import type { ReactNode } from "react";
import { ApiError } from "../api/api.ts";

/** An error with what to do about it, and the id to look it up by in the daemon's log. */
export function ErrorNote({ error }: { error: Error | undefined }): ReactNode {
  if (error === undefined) return null;
  const known = error instanceof ApiError ? error : undefined;
  return (
    <div className="error" role="alert">
      <strong>{known?.code ?? "INTERNAL"}</strong> {error.message}
      {known?.hint !== undefined && <p>{known.hint}</p>}
      {known?.requestId !== undefined && <small>request {known.requestId}</small>}
    </div>
  );
}

/** Where there is nothing yet: what would be here, and how to get it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A name and what it is, in a list of facts. */
export function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** A state, a cause or a level as a coloured word; the word says it all without the colour. */
export function Badge({ of }: { of: string }): ReactNode {
  return (
    <span className={`badge ${TONES[of] ?? (of.startsWith("exit ") ? "bad" : "plain")}`}>
      {of.replaceAll("_", " ")}
    </span>
  );
}

const TONES: Readonly<Record<string, string>> = {
  operational: "good",
  completed: "good",
  resolved: "good",
  degraded_performance: "warn",
  monitoring: "warn",
  identified: "warn",
  minor: "warn",
  under_maintenance: "live",
  in_progress: "live",
  partial_outage: "bad",
  major_outage: "bad",
  investigating: "bad",
  major: "bad",
  critical: "bad",
  running: "live",
  starting: "live",
  ok: "good",
  exited: "good",
  paused: "warn",
  stalled: "warn",
  warn: "warn",
  cancelled: "warn",
  error: "bad",
  denied: "bad",
  "let out": "good",
  created: "good",
  modified: "live",
  deleted: "warn",
  added: "good",
  removed: "warn",
  merged: "good",
  fail: "bad",
  disabled: "bad",
  oom_killed: "bad",
  timed_out: "bad",
  killed: "bad",
  disk_full: "bad",
  output_limit: "bad",
  host_crash: "bad",
  driver_error: "bad",
};
