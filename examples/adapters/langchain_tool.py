"""A sandbox as a tool of LangChain. Needs a daemon; the model is LangChain's fake one, so that no key is needed: put yours there."""

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage

from sandglass.adapters.langchain import sandbox_tool

call = {"name": "run_code", "args": {"code": "print(sum(range(101)))"}, "id": "call_1"}
model = GenericFakeChatModel(
    messages=iter([AIMessage("", tool_calls=[call]), AIMessage("They add up to 5050.")])
)

with sandbox_tool() as code:
    # A real model is told of it: model = model.bind_tools([code.tool]). The loop is what `create_agent` of `langchain` does.
    messages = [HumanMessage("What do the numbers from 1 to 100 add up to?")]
    while True:
        answer = model.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            break
        for asked in answer.tool_calls:
            message = code.tool.invoke({**asked, "type": "tool_call"})
            print("the sandbox said", message.content)
            messages.append(message)
print(answer.content)
