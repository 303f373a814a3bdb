import type { RunDetail, RuntimeEvent } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { Link } from "../components/link.tsx";
import { Badge, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useEvents } from "../hooks/use-events.ts";
import { clock, count, duration, money } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const LIVE_MS = 2_000;
/** Of all that belongs to a run, what tells its story. */
const STORY =
  "run.*,agent.*,cost.llm,sandbox.created,sandbox.terminated,sandbox.forked,sandbox.merged,exec.completed,file.created,file.modified,network.denied";

export function RunPage({ id }: { id: string }): ReactNode {
  const { data, error } = useApi<RunDetail>(`/v1/runs/${encodeURIComponent(id)}`, LIVE_MS);
  const story = useEvents(`runId=${encodeURIComponent(id)}&types=${STORY}`);
  return (
    <>
      <h1>{safeText(data?.name || id, 200)}</h1>
      <ErrorNote error={error ?? story.error} />
      {data !== undefined && <Totals run={data} />}
      <h2>What happened</h2>
      <ol className="story">
        {story.events.map((event) => (
          <li
            key={event.id}
            className={event.type.startsWith("agent.") || event.type.startsWith("run.") ? "" : "inner"}
          >
            <time>{clock(event.timestamp)}</time>
            <div>{tell(event)}</div>
          </li>
        ))}
      </ol>
    </>
  );
}

function Totals({ run }: { run: RunDetail }): ReactNode {
  return (
    <dl className="facts">
      <dt>Status</dt>
      <dd>
        <Badge of={run.status} /> {run.error !== undefined && safeText(run.error, 500)}
      </dd>
      <dt>Took</dt>
      <dd>
        {duration(run.durationMs)}, from {clock(run.startedAt)}
      </dd>
      <dt>Cost</dt>
      <dd>
        {money(run.costUsd)}: models {money(run.llmCostUsd)}, sandboxes {money(run.runtimeCostUsd)}
        {run.unpricedCalls > 0 && `; ${run.unpricedCalls} calls without a known price`}
      </dd>
      <dt>Tokens</dt>
      <dd>
        {count(run.inputTokens)} in ({count(run.cachedTokens)} cached), {count(run.outputTokens)} out,{" "}
        {run.models.map(({ model, calls }) => `${calls} × ${safeText(model, 60)}`).join(", ")}
      </dd>
      <dt>Trace</dt>
      <dd>
        <Link to={`/traces/${run.traceId}`}>{run.traceId}</Link>
      </dd>
      <dt>Sandboxes</dt>
      <dd>
        {run.sandboxList.map(({ id, state, cause }) => (
          <Link key={id} to={`/sandboxes/${id}`}>
            <code>{id.slice(-8)}</code> <Badge of={cause ?? state} />{" "}
          </Link>
        ))}
      </dd>
    </dl>
  );
}

function tell(event: RuntimeEvent): ReactNode {
  switch (event.type) {
    case "run.started":
      return <strong>the run begins: {safeText(event.data.name, 200)}</strong>;
    case "run.completed":
      return (
        <>
          <strong>the run ends</strong> <Badge of={event.data.status} />
        </>
      );
    case "agent.thinking":
      return (
        <blockquote>
          {safeText(event.data.text ?? `thinks (${event.data.bytes} bytes, not kept)`, 2000)}
        </blockquote>
      );
    case "agent.tool_call":
      return (
        <>
          <strong>{safeText(event.data.toolName, 100)}</strong> <Pre text={event.data.arguments} />
        </>
      );
    case "agent.tool_result":
      return (
        <>
          {safeText(event.data.toolName, 100)} <Badge of={event.data.isError ? "error" : "ok"} />{" "}
          {duration(event.data.durationMs)}
          <Pre text={event.data.result} />
        </>
      );
    case "cost.llm": {
      const { model, inputTokens, outputTokens, costUsd } = event.data;
      return (
        <span className="quiet">
          {safeText(model, 100)}: {count(inputTokens)} tokens in, {count(outputTokens)} out
          {costUsd !== undefined && `, ${money(costUsd)}`}
        </span>
      );
    }
    case "exec.completed": {
      const { execId, code, command, cause, exitCode, durationMs, stdoutTail, stderrTail } = event.data;
      return (
        <>
          <Link to={`/sandboxes/${event.sandboxId}?exec=${execId}`}>runs</Link> <Badge of={cause} /> code{" "}
          {exitCode}, {duration(durationMs)}
          <Pre text={code ?? command} isCode />
          <Pre text={stdoutTail} />
          <Pre text={stderrTail} isError />
        </>
      );
    }
    default: {
      const path = "path" in event.data ? ` ${safeText(String(event.data.path), 200)}` : "";
      const cause = "cause" in event.data ? event.data.cause : undefined;
      return (
        <>
          {event.type}
          {path} {cause !== undefined && <Badge of={cause} />}{" "}
          {event.sandboxId !== "" && (
            <Link to={`/sandboxes/${event.sandboxId}`}>{event.sandboxId.slice(-8)}</Link>
          )}
        </>
      );
    }
  }
}

function Pre({
  text,
  isCode,
  isError,
}: {
  text: string | undefined;
  isCode?: boolean;
  isError?: boolean;
}): ReactNode {
  if (text === undefined || text === "") return null;
  const shown = text
    .replace(/\x1b\[[0-9;:]*m/g, "")
    .slice(0, 4_096)
    .split("\n")
    .map((line) => safeText(line, 500))
    .join("\n");
  return <pre className={isCode ? "code" : isError ? "stderr" : undefined}>{shown}</pre>;
}
