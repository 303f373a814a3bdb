import type { RuntimeEvent, RuntimeEventOf } from "sandglass";
import { duration } from "./duration.ts";
import { printable } from "./printable.ts";
import { dollars } from "./run-table.ts";

const BEGINNINGS: readonly string[] = ["exec.started", "agent.tool_call", "agent.started"];
const ENDINGS: readonly string[] = ["exec.completed", "agent.tool_result", "agent.completed"];

/** One line of the story: what happened, how it ended, and what it was about. */
export interface StoryLine {
  what: string;
  about?: string;
  ending?: string;
  isBad?: boolean;
}

/**
 * Lines for events of one run. An exec, a tool call and an agent are told where they began, with how they ended; what tells nothing new
 * (requests, samples, output as it streamed) has no line.
 */
export function storyLines(events: readonly RuntimeEvent[]): (event: RuntimeEvent) => StoryLine | undefined {
  const ends = new Map<string, RuntimeEvent>();
  const begun = new Set<string>();
  for (const event of events) {
    if (ENDINGS.includes(event.type)) ends.set(event.spanId, event);
    if (BEGINNINGS.includes(event.type)) begun.add(event.spanId);
  }
  return (event) => {
    switch (event.type) {
      case "exec.started":
      case "agent.tool_call":
      case "agent.started": {
        const end = ends.get(event.spanId);
        return end === undefined ? { ...begunLine(event), ending: "running" } : lineOf(end, event);
      }
      case "exec.completed":
      case "agent.tool_result":
      case "agent.completed":
        return begun.has(event.spanId) ? undefined : lineOf(event);
      default:
        return lineOf(event);
    }
  };
}

type Beginning =
  | RuntimeEventOf<"exec.started">
  | RuntimeEventOf<"agent.tool_call">
  | RuntimeEventOf<"agent.started">;

function begunLine(event: Beginning): StoryLine {
  if (event.type === "agent.started") return { what: `agent ${printable(event.data.agentName)}` };
  if (event.type === "agent.tool_call") {
    return { what: `tool ${printable(event.data.toolName)}`, about: event.data.arguments ?? "" };
  }
  const { kind, language, code, command } = event.data;
  return { what: kind === "code" ? `${language ?? "code"} cell` : "command", about: code ?? command ?? "" };
}

function lineOf(event: RuntimeEvent, beginning?: RuntimeEvent): StoryLine | undefined {
  switch (event.type) {
    case "run.started":
      return { what: "run started", about: event.data.name };
    case "run.completed": {
      const { status, error = "" } = event.data;
      return { what: "run completed", ending: status, about: error, isBad: status === "error" };
    }
    case "agent.completed": {
      const { agentName, status, durationMs, error = "" } = event.data;
      const ending = `${status === "error" ? "failed" : status} ${duration(durationMs)}`;
      return { what: `agent ${printable(agentName)}`, ending, about: error, isBad: status === "error" };
    }
    case "agent.thinking":
      return { what: `thought`, about: event.data.text ?? `${event.data.bytes} bytes` };
    case "agent.tool_result": {
      const { toolName, isError, durationMs, result = "" } = event.data;
      const given = beginning?.type === "agent.tool_call" ? (beginning.data.arguments ?? "") : "";
      const about = [given, result].filter((text) => text !== "").join(" → ");
      const ending = `${isError ? "failed" : "ok"} ${duration(durationMs)}`;
      return { what: `tool ${printable(toolName)}`, ending, about, isBad: isError };
    }
    case "agent.error":
      return { what: "agent error", about: event.data.message, isBad: true };
    case "cost.llm": {
      const { model, inputTokens, outputTokens, costUsd } = event.data;
      const ending = costUsd === undefined ? "price not known" : dollars(costUsd);
      return {
        what: `model ${printable(model)}`,
        ending,
        about: `${inputTokens} tokens in, ${outputTokens} out`,
      };
    }
    case "sandbox.created": {
      const { template, source, durationMs } = event.data;
      return {
        what: `sandbox ${printable(template)}`,
        about: `${event.sandboxId} ${source} ${duration(durationMs)}`,
      };
    }
    case "sandbox.forked": {
      const { children, durationMs } = event.data;
      return {
        what: "sandbox forked",
        about: `${event.sandboxId} → ${children.join(" ")} ${duration(durationMs)}`,
      };
    }
    case "sandbox.merged": {
      const { winner, durationMs, added = 0, modified = 0, removed = 0 } = event.data;
      const counts = `+${added} ~${modified} -${removed}`;
      return {
        what: "sandbox merged",
        about: `${event.sandboxId} ← ${winner} ${counts} ${duration(durationMs)}`,
      };
    }
    case "sandbox.terminated": {
      const { cause, reason = "" } = event.data;
      const isBad = !["user", "host_shutdown", "merged"].includes(cause);
      return { what: "sandbox ended", ending: cause, about: `${event.sandboxId} ${reason}`, isBad };
    }
    case "sandbox.error":
    case "exec.error":
      return { what: "runtime error", about: `${event.data.code}: ${event.data.message}`, isBad: true };
    case "exec.completed": {
      const { kind, language, command, code, cause, exitCode, durationMs, reason = "" } = event.data;
      const isBad = cause !== "exited" || exitCode !== 0;
      const ending = `${cause}${cause === "exited" ? ` ${exitCode}` : ""} ${duration(durationMs)}`;
      const about = `${reason === "" ? "" : `(${reason}) `}${code ?? command ?? ""}`;
      return { what: kind === "code" ? `${language ?? "code"} cell` : "command", ending, about, isBad };
    }
    case "file.created":
    case "file.modified":
    case "file.deleted":
    case "file.read": {
      const size = "sizeBytes" in event.data ? ` ${event.data.sizeBytes} bytes` : "";
      return { what: event.type.replace(".", " "), about: `${event.data.path ?? ""}${size}` };
    }
    case "network.denied":
      return {
        what: "network denied",
        about: `${event.data.host}:${event.data.port} ${event.data.reason}`,
        isBad: true,
      };
    case "network.egress":
      return { what: "network", about: `${event.data.host}:${event.data.port}` };
    default:
      return undefined;
  }
}
