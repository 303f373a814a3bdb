import type { AttributeView } from "./attribute-view.ts";

/** Messages of a model beyond that are not searched. */
const MAX_MESSAGES_CHARACTERS = 1024 * 1024;

/** What a model thought, where the sender included it: as the Vercel AI SDK has it, or a part of `gen_ai.output.messages`. */
export function reasoningText(attributes: AttributeView): string | undefined {
  const vercel = attributes.text("ai.response.reasoning");
  if (vercel !== undefined) return vercel;
  const messages = attributes.content("gen_ai.output.messages");
  if (messages === undefined || messages.length > MAX_MESSAGES_CHARACTERS) return undefined;
  if (!/"(?:reasoning|thinking)"/.test(messages)) return undefined;
  const texts = partsOf(parse(messages)).flatMap(textOf);
  return texts.length === 0 ? undefined : texts.join("\n");
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    // Cut off by the sender, mostly: then there is no telling what is a thought.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function partsOf(messages: unknown): unknown[] {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown) => {
    const parts = isObject(message) ? message.parts : undefined;
    return Array.isArray(parts) ? parts : [];
  });
}

function textOf(part: unknown): string[] {
  if (!isObject(part) || (part.type !== "reasoning" && part.type !== "thinking")) return [];
  return typeof part.content === "string" && part.content !== "" ? [part.content] : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
