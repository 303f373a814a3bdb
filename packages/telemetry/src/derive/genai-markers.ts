import type { Signal } from "../otlp/model.ts";

/**
 * What a request has in it somewhere where there is anything to derive from it: parts of the names of attributes and events. Metrics
 * are never looked at: they repeat what events say.
 *
 * | marker | of |
 * | --- | --- |
 * | `gen_ai.` | the OpenTelemetry conventions, and whoever follows them |
 * | `span.kind` | OpenInference, OpenLLMetry, LangSmith |
 * | `ai.operationId` | the Vercel AI SDK |
 * | `claude_code.`, `codex.`, `gemini_cli.` | the agents' own events and spans |
 *
 * Each is searched by a part of at most seven bytes that begins with a rare one, which is several times faster: what is searched for is
 * the first byte. Small letters and full stops are not rare, but for `k`.
 */
const MARKERS: Readonly<Record<Signal, readonly (readonly [part: string, marker: string])[]>> = {
  traces: [
    ["_ai.", "gen_ai."],
    ["kind", "span.kind"],
    ["Id", "ai.operationId"],
    ["_code.", "claude_code."],
  ],
  logs: [
    ["_ai.", "gen_ai."],
    ["_code.", "claude_code."],
    ["x.", "codex."],
    ["_cli.", "gemini_cli."],
  ],
  metrics: [],
};

/** Whether a request may speak of agents or models, by its bytes alone. */
export function mayConcernAgents(signal: Signal, body: Buffer): boolean {
  return MARKERS[signal].some(
    ([part, marker]) => body.includes(part, 0, "latin1") && body.includes(marker, 0, "latin1"),
  );
}
