import type { RunEventInput } from "@sandglass/protocol";

const TOOLS = ["run_code", "search", "browse", "read_file"] as const;
const TEXTS = ["short", "läuft 👍 \u0000\u2028\n", '{"code":"print(1)"}'.repeat(8), "x".repeat(900)];

/**
 * A batch of what agents say of themselves, of all types that a run may add. Each is known again by its mark, which is its number
 * and that of its batch: `markOf`.
 */
export function runEvents(batch: number, count: number): RunEventInput[] {
  return Array.from({ length: count }, (_, index): RunEventInput => {
    const mark = `mark-${batch}-${index}`;
    const toolName = TOOLS[index % TOOLS.length]!;
    const text = TEXTS[(index >> 2) % TEXTS.length]!;
    switch (index % 7) {
      case 0:
      case 1:
        return { type: "agent.tool_call", data: { toolName, toolCallId: mark, arguments: text } };
      case 2:
      case 3: {
        const data = {
          toolName,
          toolCallId: mark,
          durationMs: index,
          isError: index % 3 === 0,
          result: text,
        };
        return { type: "agent.tool_result", data };
      }
      case 4:
        return { type: "agent.thinking", data: { text: mark, bytes: mark.length } };
      case 5:
        return {
          type: "cost.llm",
          data: { model: mark, inputTokens: 10, outputTokens: index, costUsd: 0.001 },
        };
      default:
        return { type: "agent.error", data: { message: mark, errorType: "Timeout" } };
    }
  });
}

/** Of one such event; undefined of any other. */
export function markOf({ data }: { data: object }): string | undefined {
  const { toolCallId, text, model, message } = data as Record<string, unknown>;
  return [toolCallId, text, model, message].find(
    (value): value is string => typeof value === "string" && value.startsWith("mark-"),
  );
}
