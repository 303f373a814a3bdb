import type { ExecInfo, Page, RuntimeEvent, SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { CopyButton } from "../components/copy-button.tsx";
import { EventList } from "../components/event-list.tsx";
import { ExecOutput } from "../components/exec-output.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { SandboxActions } from "../components/sandbox-actions.tsx";
import { Usage } from "../components/usage.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useEvents } from "../hooks/use-events.ts";
import { setQuery, useRoute, useScope } from "../hooks/use-route.ts";
import { bytes, clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const LIVE_MS = 1_500;

export function SandboxPage({ id }: { id: string }): ReactNode {
  const { query } = useRoute();
  const isReader = useScope("events:read");
  const base = `/v1/sandboxes/${encodeURIComponent(id)}`;
  const sandbox = useApi<SandboxInfo>(base, LIVE_MS);
  const execs = useApi<Page<ExecInfo>>(`${base}/execs?limit=1000`, LIVE_MS);
  const { events, error } = useEvents(isReader ? `sandboxId=${encodeURIComponent(id)}` : undefined);
  const timeline = useMemo(() => events.filter(({ type }) => !QUIET.has(type)), [events]);
  const { data } = sandbox;
  const chosen = query.get("exec") ?? execs.data?.items[0]?.id;
  const reload = (): void => {
    sandbox.reload();
    execs.reload();
  };
  return (
    <>
      <h1>
        Sandbox <code>{id}</code> <CopyButton text={id} />
      </h1>
      <ErrorNote error={sandbox.error} />
      {data !== undefined && <Facts sandbox={data} events={events} />}
      {data !== undefined && data.state !== "terminated" && <SandboxActions sandbox={data} onDone={reload} />}
      <h2>Execs</h2>
      <ErrorNote error={execs.error} />
      {execs.data?.items.length === 0 && (
        <Empty title="Nothing has run in it yet">
          <pre>sandglass exec {id} -- echo hello</pre>
        </Empty>
      )}
      <ul className="execs">
        {execs.data?.items.map((exec) => (
          <li key={exec.id}>
            <button
              type="button"
              data-row=""
              aria-expanded={exec.id === chosen}
              onClick={() => setQuery({ exec: exec.id })}
            >
              <Badge of={endingOf(exec)} />
              <code>{safeText(exec.command ?? exec.code ?? exec.kind, 160)}</code>
              <span className="quiet">
                {clock(exec.startedAt)} {exec.durationMs !== undefined && duration(exec.durationMs)}
              </span>
            </button>
            {exec.id === chosen && <ExecDetail sandboxId={id} exec={exec} />}
          </li>
        ))}
      </ul>
      <h2>Events</h2>
      <ErrorNote error={error} />
      <EventList events={timeline} />
    </>
  );
}

const QUIET: ReadonlySet<string> = new Set(["resource.sample", "exec.streamed", "cost.runtime"]);

function Facts({ sandbox, events }: { sandbox: SandboxInfo; events: RuntimeEvent[] }): ReactNode {
  const { unenforced, cause, reason, runId, traceId } = sandbox;
  return (
    <>
      <dl className="facts">
        <dt>State</dt>
        <dd>
          <Badge of={sandbox.state} />
        </dd>
        {cause !== undefined && (
          <>
            <dt>Ended by</dt>
            <dd>
              <Badge of={cause} /> {reason !== undefined && safeText(reason, 300)}
            </dd>
          </>
        )}
        <dt>Template</dt>
        <dd>
          {sandbox.template}, {sandbox.source.replace("_", " ")} in {duration(sandbox.createMs)},{" "}
          {sandbox.isolation}
        </dd>
        <dt>Made</dt>
        <dd>
          {clock(sandbox.createdAt)}
          {sandbox.endedAt !== undefined && ` to ${clock(sandbox.endedAt)}`}
        </dd>
        <dt>Trace</dt>
        <dd>
          <Link to={`/traces/${traceId}`}>{traceId}</Link>
        </dd>
        {runId !== "" && (
          <>
            <dt>Run</dt>
            <dd>
              <Link to={`/runs/${encodeURIComponent(runId)}`}>{safeText(runId, 100)}</Link>
            </dd>
          </>
        )}
        <dt>Network</dt>
        <dd>
          {Object.keys(sandbox.network).length === 0
            ? "none"
            : safeText(JSON.stringify(sandbox.network), 500)}
        </dd>
      </dl>
      <Usage limits={sandbox.limits} events={events} />
      {unenforced.length > 0 && (
        <p className="warning">
          Not enforced on this host:{" "}
          {unenforced.map(({ limit, reason: why }) => `${limit} (${why})`).join(", ")}
        </p>
      )}
    </>
  );
}

function ExecDetail({ sandboxId, exec }: { sandboxId: string; exec: ExecInfo }): ReactNode {
  const source = exec.code ?? exec.command;
  return (
    <div className="exec">
      <dl className="facts">
        <dt>Exec</dt>
        <dd>
          <code>{exec.id}</code> · <Link to={`/traces/${exec.traceId}?span=${exec.spanId}`}>its trace</Link>
        </dd>
        <dt>Ending</dt>
        <dd>
          {exec.cause ?? "running"}
          {exec.exitCode !== undefined && `, code ${exec.exitCode}`}
          {exec.reason !== undefined && `: ${safeText(exec.reason, 300)}`}
        </dd>
        <dt>Used</dt>
        <dd>
          {duration(exec.cpuMs ?? 0)} of CPU, {bytes(exec.maxRssBytes ?? 0)} of memory,{" "}
          {bytes(exec.stdoutBytes)} stdout, {bytes(exec.stderrBytes)} stderr
        </dd>
      </dl>
      {source !== undefined && <pre className="code">{safeCode(source)}</pre>}
      <ExecOutput key={exec.id} sandboxId={sandboxId} execId={exec.id} />
    </div>
  );
}

/** `exited` alone would look as if all were well. */
function endingOf({ cause, exitCode = 0, state }: ExecInfo): string {
  return cause === "exited" && exitCode !== 0 ? `exit ${exitCode}` : (cause ?? state);
}

function safeCode(source: string): string {
  return source
    .slice(0, 20_000)
    .split("\n")
    .map((line) => safeText(line))
    .join("\n");
}
