import { SandglassError } from "@sandglass/protocol";
import { MethodNotAllowedError } from "../http/error-answer.ts";

/** What is served of the API, as its runtime defines it. */
export type AgentSandboxRoute = "execute" | "upload" | "download" | "list" | "exists" | "health";

/** A request's way: which call it is, as the record has it, and the path inside the sandbox, "" where it has none. */
export interface AgentSandboxTarget {
  name: AgentSandboxRoute;
  /** Without what callers chose: a file's name is the sandbox's to record, or not. */
  template: string;
  file: string;
}

const METHODS: Readonly<Record<AgentSandboxRoute, "GET" | "POST">> = {
  execute: "POST",
  upload: "POST",
  download: "GET",
  list: "GET",
  exists: "GET",
  health: "GET",
};
const WITH_PATH: ReadonlySet<string> = new Set(["download", "list", "exists"]);
const SERVED = "POST /execute, POST /upload, GET /download/{path}, GET /list/{path}, GET /exists/{path}";

/**
 * What a request asks for.
 *
 * @param path of the URL, without the query, as sent: a file's slashes may be encoded
 * @throws SandglassError ROUTE_NOT_FOUND that names the call, METHOD_NOT_ALLOWED, INVALID_REQUEST for a path that is not UTF-8
 */
export function agentSandboxTarget(method: string, path: string): AgentSandboxTarget {
  const [, first, rest] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
  const target = first === undefined ? undefined : known(first, rest);
  if (first === undefined || target === undefined) {
    throw new SandglassError(
      "ROUTE_NOT_FOUND",
      `${method.slice(0, 16)} /${(first ?? "").slice(0, 64)} is no call of the agent-sandbox API that is served here`,
      { hint: `served are ${SERVED}` },
    );
  }
  const wanted = METHODS[target.name];
  if (method === wanted) return target;
  throw new MethodNotAllowedError(method, [wanted]);
}

function known(first: string, rest: string | undefined): AgentSandboxTarget | undefined {
  if ((first === "" || first === "healthz") && rest === undefined)
    return { name: "health", template: `/${first}`, file: "" };
  if (WITH_PATH.has(first))
    return { name: first as AgentSandboxRoute, template: `/${first}/{path+}`, file: decoded(rest ?? "") };
  if ((first === "execute" || first === "upload") && !rest)
    return { name: first, template: `/${first}`, file: "" };
  return undefined;
}

function decoded(path: string): string {
  let text: string;
  try {
    text = decodeURIComponent(path);
  } catch {
    throw new SandglassError("INVALID_REQUEST", "the path is not valid UTF-8");
  }
  if (text.includes("\0"))
    throw new SandglassError("INVALID_REQUEST", "the path must not contain a NUL character");
  return belowWorkspace(text);
}

/** As that API's runtime has it: every path is below its directory, also one that begins with a slash. */
export function belowWorkspace(path: string): string {
  return path.replace(/^\/+/, "");
}
