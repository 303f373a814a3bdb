"""A sandbox as a tool of Anthropic's Messages API. Needs a daemon, ANTHROPIC_API_KEY, and ANTHROPIC_MODEL;
ANTHROPIC_BASE_URL names another address that speaks the same API."""

import os

from anthropic import Anthropic

from sandglass.adapters.anthropic import sandbox_tool

question = "What do the numbers from 1 to 100 add up to? Find out by running code."
messages = [{"role": "user", "content": question}]
with sandbox_tool() as code, Anthropic() as anthropic:
    while True:
        message = anthropic.messages.create(
            model=os.environ["ANTHROPIC_MODEL"],
            max_tokens=1024,
            messages=messages,
            tools=[code.tool],
        )
        messages.append({"role": "assistant", "content": message.content})
        if message.stop_reason != "tool_use":
            break
        results = code.results(message)
        for result in results:
            print("the sandbox said", result["content"])
        messages.append({"role": "user", "content": results})
for block in message.content:
    if block.type == "text":
        print(block.text)
