import type { ToolCall, ToolOutcome } from "./agent.ts";
import { askModel, INSTRUCTIONS } from "./ask-model.ts";
import type { Model, Reply } from "./model.ts";
import { TOOLS } from "./tools.ts";

type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: ToolCall["input"] }
  // Kinds that are sent back as they came, e.g. `thinking`.
  | { type: string };

interface Answer {
  content: Block[];
  stop_reason: string;
  usage: {
    input_tokens: number;
    output_tokens: number;
    cache_read_input_tokens?: number | null;
    cache_creation_input_tokens?: number | null;
  };
}

const MAX_TOKENS = 4096;

/** Anthropic's Messages API (docs.anthropic.com, version 2023-06-01). */
export class AnthropicModel implements Model {
  readonly name: string;
  readonly #apiKey: string;
  readonly #baseUrl: string;
  readonly #messages: { role: "user" | "assistant"; content: unknown }[] = [];
  #callIds: string[] = [];

  constructor(apiKey: string, baseUrl = "https://api.anthropic.com", name = "claude-sonnet-4-5") {
    this.#apiKey = apiKey;
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.name = name;
  }

  async send(message: string | readonly ToolOutcome[]): Promise<Reply> {
    this.#messages.push({ role: "user", content: this.#contentOf(message) });
    const { content, stop_reason, usage } = await askModel<Answer>(
      `${this.#baseUrl}/v1/messages`,
      { "x-api-key": this.#apiKey, "anthropic-version": "2023-06-01" },
      {
        model: this.name,
        max_tokens: MAX_TOKENS,
        system: INSTRUCTIONS,
        tools: TOOLS.map(({ name, description, schema }) => ({ name, description, input_schema: schema })),
        messages: this.#messages,
      },
    );
    if (stop_reason !== "tool_use" && stop_reason !== "end_turn") {
      throw new Error(`${this.name} stopped in the middle: ${stop_reason}`);
    }
    this.#messages.push({ role: "assistant", content });
    const uses = content.filter((block) => block.type === "tool_use") as Extract<Block, { id: string }>[];
    this.#callIds = uses.map(({ id }) => id);
    const cachedTokens = usage.cache_read_input_tokens ?? 0;
    return {
      text: content
        .map((block) => (block.type === "text" && "text" in block ? block.text : ""))
        .join("")
        .trim(),
      calls: uses.map(({ name, input }) => ({ tool: name, input })),
      // What it counts as input is without what came from, or went into, its cache.
      inputTokens: usage.input_tokens + cachedTokens + (usage.cache_creation_input_tokens ?? 0),
      outputTokens: usage.output_tokens,
      cachedTokens,
    };
  }

  #contentOf(message: string | readonly ToolOutcome[]): unknown {
    if (typeof message === "string") return message;
    return message.map(({ text, isError }, index) => ({
      type: "tool_result",
      tool_use_id: this.#callIds[index],
      content: text,
      is_error: isError,
    }));
  }
}
