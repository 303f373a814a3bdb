import type { ExecInfo } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { setQuery } from "../hooks/use-route.ts";
import { bytes, clock, duration } from "../lib/format.ts";
import { safeLines, safeText } from "../lib/safe-text.ts";
import { CopyButton } from "./copy-button.tsx";
import { ExecOutput } from "./exec-output.tsx";
import { Link } from "./link.tsx";
import { Badge, Fact } from "./notes.tsx";

/** What ran in a sandbox, newest first; the chosen one with all that it wrote. */
export function ExecList({
  sandboxId,
  execs,
  chosen,
}: {
  sandboxId: string;
  execs: readonly ExecInfo[];
  chosen: string | undefined;
}): ReactNode {
  return (
    <ul className="execs">
      {execs.map((exec) => (
        <li key={exec.id}>
          <button
            type="button"
            data-row=""
            aria-expanded={exec.id === chosen}
            onClick={() => setQuery({ exec: exec.id, replay: undefined })}
          >
            <Badge of={endingOf(exec)} />
            <code>{safeText(exec.command ?? exec.code ?? exec.kind, 160)}</code>
            <span className="quiet">
              {clock(exec.startedAt)} {exec.durationMs !== undefined && duration(exec.durationMs)}
            </span>
          </button>
          {exec.id === chosen && <ExecDetail sandboxId={sandboxId} exec={exec} />}
        </li>
      ))}
    </ul>
  );
}

function ExecDetail({ sandboxId, exec }: { sandboxId: string; exec: ExecInfo }): ReactNode {
  const source = exec.code ?? exec.command;
  return (
    <div className="exec">
      <dl className="facts">
        <Fact name="Exec">
          <code>{exec.id}</code> · {exec.language ?? exec.kind} ·{" "}
          <Link to={`/traces/${exec.traceId}?span=${exec.spanId}`}>its trace</Link>
        </Fact>
        <Fact name="Ending">
          {(exec.cause ?? "running").replaceAll("_", " ")}
          {exec.exitCode !== undefined && `, code ${exec.exitCode}`}
          {exec.signal !== undefined && `, ${exec.signal}`}
          {exec.reason !== undefined && `: ${safeText(exec.reason, 300)}`}
        </Fact>
        <Fact name="Used">
          {duration(exec.cpuMs ?? 0)} of CPU, {bytes(exec.maxRssBytes ?? 0)} of memory,{" "}
          {bytes(exec.stdoutBytes)} stdout, {bytes(exec.stderrBytes)} stderr
        </Fact>
      </dl>
      {source !== undefined && (
        <div className="source">
          <pre className="code">{safeLines(source)}</pre>
          <CopyButton text={source} label="Copy code" />
        </div>
      )}
      <ExecOutput key={exec.id} sandboxId={sandboxId} execId={exec.id} startedAt={exec.startedAt} />
    </div>
  );
}

/** `exited` alone would look as if all were well. */
function endingOf({ cause, exitCode = 0, state }: ExecInfo): string {
  return cause === "exited" && exitCode !== 0 ? `exit ${exitCode}` : (cause ?? state);
}
