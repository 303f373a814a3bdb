import type { Run } from "sandglass";
import type { Agent, ToolCall, ToolOutcome } from "./agent.ts";
import { AnthropicModel } from "./anthropic.ts";
import { OpenAiModel } from "./openai.ts";

/** What a model said in one turn. */
export interface Reply {
  text: string;
  /** None: `text` is its answer. */
  calls: ToolCall[];
  /** All that it read, `cachedTokens` among them. */
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
}

/** A model in one conversation, which it keeps by itself. */
export interface Model {
  readonly name: string;
  /** Says something: the task first, from then on the outcomes of the calls of its last reply, in their order. */
  send(message: string | readonly ToolOutcome[]): Promise<Reply>;
}

/** A conversation that has not come to an answer by then will not. */
const MAX_TURNS = 25;

/** The model that the environment has a key for. `ANALYST_MODEL` names another one of the same provider. */
export function chooseModel(env: NodeJS.ProcessEnv): Model | undefined {
  const name = env.ANALYST_MODEL || undefined;
  if (env.ANTHROPIC_API_KEY) {
    return new AnthropicModel(env.ANTHROPIC_API_KEY, env.ANTHROPIC_BASE_URL || undefined, name);
  }
  if (env.OPENAI_API_KEY) return new OpenAiModel(env.OPENAI_API_KEY, env.OPENAI_BASE_URL || undefined, name);
  return undefined;
}

/** The loop of every tool-using agent: ask, call what it wants called, tell it the outcomes, until it wants nothing more. */
export async function* modelAnalyst(model: Model, question: string, run: Run): Agent {
  let message: string | ToolOutcome[] = question;
  for (let count = 0; count < MAX_TURNS; count++) {
    const { text, calls, ...usage } = await model.send(message);
    run.llm({ model: model.name, ...usage });
    if (calls.length === 0) return text;
    message = yield { thought: text, calls };
  }
  throw new Error(`${model.name} came to no answer in ${MAX_TURNS} turns`);
}
