"""A sandbox as a tool of the OpenAI Agents SDK. Needs a daemon; the model is a scripted one, so that no key is needed: leave `model` out,
and set OPENAI_API_KEY."""

import asyncio
import json

from agents import Agent, RunConfig, Runner
from agents.testing import ScriptedModel, assistant_message, function_call

from sandglass.adapters.openai_agents import sandbox_tool


async def main() -> None:
    program = json.dumps({"code": "print(sum(range(101)))"})
    model = ScriptedModel(
        [[function_call("run_code", program, call_id="call_1")], [assistant_message("They add up to 5050.")]]
    )
    async with sandbox_tool() as code:
        agent = Agent(name="Analyst", model=model, tools=[code.tool])
        result = await Runner.run(
            agent,
            "What do the numbers from 1 to 100 add up to?",
            run_config=RunConfig(tracing_disabled=True),
        )
    for item in result.new_items:
        if item.type == "tool_call_output_item":
            print("the sandbox said", item.output)
    print(result.final_output)


asyncio.run(main())
