import type { RuntimeEvent } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { count, duration, money } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { ChangeCounts } from "./change-counts.tsx";
import { Link } from "./link.tsx";
import { Badge } from "./notes.tsx";
import { SandboxLink, SandboxLinks } from "./sandbox-link.tsx";

/** One thing that happened in a run, as a reader wants to hear it. */
export function RunStep({ event }: { event: RuntimeEvent }): ReactNode {
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
    case "agent.started":
      return <strong>agent {safeText(event.data.agentName, 100)} begins</strong>;
    case "agent.completed":
      return (
        <>
          <strong>agent {safeText(event.data.agentName, 100)} ends</strong> <Badge of={event.data.status} />{" "}
          {duration(event.data.durationMs)}
        </>
      );
    case "agent.error":
      return (
        <>
          <Badge of="error" /> {safeText(event.data.message, 1000)}
        </>
      );
    case "agent.tool_call":
      return (
        <>
          calls <strong>{safeText(event.data.toolName, 100)}</strong> <Pre text={event.data.arguments} />
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
    case "sandbox.forked":
      return (
        <>
          <SandboxLink id={event.sandboxId} /> is forked: <SandboxLinks ids={event.data.children} />
        </>
      );
    case "sandbox.merged": {
      const { winner, added, modified, removed } = event.data;
      return (
        <>
          <SandboxLink id={event.sandboxId} /> takes over the files of <SandboxLink id={winner} />
          {added !== undefined && ": "}
          {added !== undefined && <ChangeCounts added={added} modified={modified} removed={removed} />}
        </>
      );
    }
    case "exec.completed": {
      const { execId, code, command, cause, exitCode, durationMs, stdoutTail, stderrTail } = event.data;
      return (
        <>
          <Link to={`/sandboxes/${event.sandboxId}?exec=${execId}`}>runs</Link>{" "}
          <Badge of={cause === "exited" && exitCode !== 0 ? `exit ${exitCode}` : cause} />{" "}
          {duration(durationMs)}
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
