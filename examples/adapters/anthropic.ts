// A sandbox as a tool of Anthropic's Messages API. Needs a daemon, ANTHROPIC_API_KEY, and ANTHROPIC_MODEL;
// ANTHROPIC_BASE_URL names another address that speaks the same API.
import Anthropic from "@anthropic-ai/sdk";
import { sandboxTool } from "@sandglass/adapters/anthropic";

await using code = sandboxTool();

const anthropic = new Anthropic();
const question = "What do the numbers from 1 to 100 add up to? Find out by running code.";
const messages: Anthropic.MessageParam[] = [{ role: "user", content: question }];
for (;;) {
  const { role, content, stop_reason } = await anthropic.messages.create({
    model: process.env.ANTHROPIC_MODEL ?? "",
    max_tokens: 1024,
    messages,
    tools: [code.tool],
  });
  messages.push({ role, content });
  if (stop_reason !== "tool_use") {
    for (const block of content) if (block.type === "text") console.log(block.text);
    break;
  }
  const results = await code.results({ content });
  for (const result of results) console.log("the sandbox said", result.content);
  messages.push({ role: "user", content: results });
}
