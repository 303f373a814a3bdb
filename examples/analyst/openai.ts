import type { ToolCall, ToolOutcome } from "./agent.ts";
import { askModel, INSTRUCTIONS } from "./ask-model.ts";
import type { Model, Reply } from "./model.ts";
import { TOOLS } from "./tools.ts";

interface AssistantMessage {
  role: "assistant";
  content: string | null;
  tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
}

interface Answer {
  choices: { message: AssistantMessage; finish_reason: string }[];
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details?: { cached_tokens?: number } | null;
  };
}

/** OpenAI's chat completions (platform.openai.com), which many other providers speak too. */
export class OpenAiModel implements Model {
  readonly name: string;
  readonly #apiKey: string;
  readonly #baseUrl: string;
  readonly #messages: object[] = [{ role: "system", content: INSTRUCTIONS }];
  #callIds: string[] = [];

  constructor(apiKey: string, baseUrl = "https://api.openai.com/v1", name = "gpt-4.1") {
    this.#apiKey = apiKey;
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.name = name;
  }

  async send(message: string | readonly ToolOutcome[]): Promise<Reply> {
    this.#messages.push(...this.#messagesOf(message));
    const { choices, usage } = await askModel<Answer>(
      `${this.#baseUrl}/chat/completions`,
      { authorization: `Bearer ${this.#apiKey}` },
      {
        model: this.name,
        messages: this.#messages,
        tools: TOOLS.map(({ name, description, schema }) => ({
          type: "function",
          function: { name, description, parameters: schema },
        })),
      },
    );
    const [choice] = choices;
    if (choice === undefined || !["tool_calls", "stop"].includes(choice.finish_reason)) {
      throw new Error(`${this.name} stopped in the middle: ${choice?.finish_reason ?? "no choice"}`);
    }
    this.#messages.push(choice.message);
    const calls = choice.message.tool_calls ?? [];
    this.#callIds = calls.map(({ id }) => id);
    return {
      text: (choice.message.content ?? "").trim(),
      calls: calls.map((call) => ({ tool: call.function.name, input: inputOf(call.function.arguments) })),
      inputTokens: usage.prompt_tokens,
      outputTokens: usage.completion_tokens,
      cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    };
  }

  #messagesOf(message: string | readonly ToolOutcome[]): object[] {
    if (typeof message === "string") return [{ role: "user", content: message }];
    return message.map(({ text, isError }, index) => ({
      role: "tool",
      tool_call_id: this.#callIds[index],
      content: isError ? `Error: ${text}` : text,
    }));
  }
}

/** The arguments are JSON that the model wrote, so they may be anything; the tool says what it misses. */
function inputOf(json: string): ToolCall["input"] {
  try {
    const input: unknown = JSON.parse(json);
    return typeof input === "object" && input !== null ? (input as ToolCall["input"]) : {};
  } catch {
    return {};
  }
}
