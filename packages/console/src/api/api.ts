import type { ErrorBody, KeyInfo } from "@sandglass/protocol";
import { readLines } from "../lib/lines.ts";

/** What the page keeps of its session; the other half is a cookie that it cannot read. */
const TOKEN = "sandglass.page-token";
/** On `window`: the session is over. */
export const SIGNED_OUT = "sandglass:signed-out";

/** An error of the catalogue, or of the way to the daemon. */
export class ApiError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;

  constructor({
    code,
    message,
    hint,
    requestId,
  }: { code: string; message: string; hint?: string; requestId?: string }) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
  }
}

export interface SessionInfo {
  key: KeyInfo;
  expiresAt: string;
  version: string;
}

/** All that this page reads is one trace: the list of traces would hold little else. What it does is a trace of its own each. */
const READING = hex(16);

interface CallOptions {
  method?: string;
  json?: unknown;
  signal?: AbortSignal;
}

/** @throws ApiError; what the signal aborts with */
export async function call(
  path: string,
  { method = "GET", json, signal }: CallOptions = {},
): Promise<Response> {
  const headers: Record<string, string> = { "x-sandglass-console": localStorage.getItem(TOKEN) ?? "" };
  if (method === "GET") headers.traceparent = `00-${READING}-${hex(8)}-00`;
  if (json !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({
      code: "CONNECTION_FAILED",
      message: "the daemon does not answer",
      hint: "is `sandglass serve` running? The page goes on by itself when it is",
    });
  }
  if (response.ok) return response;
  const known = await errorOf(response);
  if (known.code === "UNAUTHORIZED") window.dispatchEvent(new Event(SIGNED_OUT));
  throw known;
}

/** @throws as {@link call} */
export async function callJson<T>(path: string, options?: CallOptions): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}

/** Each line of an answer as it arrives. `onOpen` is told when the answer begins. @throws as {@link call} */
export async function* callLines<T>(
  path: string,
  options?: CallOptions & { onOpen?(): void },
): AsyncGenerator<T> {
  const { body } = await call(path, options);
  options?.onOpen?.();
  if (body === null) return;
  for await (const line of readLines(body)) yield JSON.parse(line) as T;
}

/** @throws ApiError */
export async function signIn(token: string): Promise<void> {
  const { pageToken } = await callJson<{ pageToken: string }>("/console/session", {
    method: "POST",
    json: { token },
  });
  localStorage.setItem(TOKEN, pageToken);
}

/** Also where the daemon does not answer, or knows the session no more. */
export async function signOut(): Promise<void> {
  try {
    await call("/console/session", { method: "DELETE" });
  } finally {
    localStorage.removeItem(TOKEN);
    window.dispatchEvent(new Event(SIGNED_OUT));
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    return new ApiError((JSON.parse(text) as ErrorBody).error);
  } catch {
    return new ApiError({
      code: `HTTP ${response.status}`,
      message: text.slice(0, 200) || response.statusText,
    });
  }
}

function hex(bytes: number): string {
  return crypto
    .getRandomValues(new Uint8Array(bytes))
    .reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
