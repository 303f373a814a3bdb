import type { Run } from "sandglass";
import type { Screen } from "./screen.ts";
import type { Tools } from "./tools.ts";

/** A tool that the agent wants called. */
export interface ToolCall {
  tool: string;
  input: Record<string, unknown>;
}

/** What the agent is told of it. */
export interface ToolOutcome {
  text: string;
  isError: boolean;
}

/** One turn: a thought, and tools to call, all of them at once. */
export interface Turn {
  thought: string;
  calls: ToolCall[];
}

/**
 * An agent, whoever thinks for it: yields its turns, is handed the outcome of each call in their order, and returns its
 * answer. A model and a script look the same from outside.
 */
export type Agent = AsyncGenerator<Turn, string, ToolOutcome[]>;

/** Takes an agent from its first turn to its answer. Every thought and call is an event of `run`. */
export async function work(agent: Agent, run: Run, tools: Tools, screen: Screen): Promise<string> {
  // The first value handed to a generator is not seen by it.
  let next = await agent.next([]);
  while (!next.done) {
    const { thought, calls } = next.value;
    if (thought !== "") {
      run.thinking(thought);
      screen.thought(thought);
    }
    screen.calls(calls);
    const outcomes = await Promise.all(calls.map((call) => callTool(call, run, tools)));
    next = await agent.next(outcomes);
  }
  return next.value;
}

/** A tool that fails is a finding for the agent; it does not end the run. */
async function callTool(call: ToolCall, run: Run, tools: Tools): Promise<ToolOutcome> {
  try {
    return { text: await run.tool(call.tool, call.input, () => tools.call(call)), isError: false };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isError: true };
  }
}
