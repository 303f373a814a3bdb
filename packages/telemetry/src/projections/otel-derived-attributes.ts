import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue } from "../otlp/model.ts";
import { execErrorType } from "./exec-failure.ts";
import { attribute } from "./otel-attribute.ts";

const NONE: readonly KeyValue[] = [];

/** What an event says that is no field of it by itself, by the semantic conventions. Reads fields by their names alone. */
export function derivedAttributes(event: RuntimeEvent): readonly KeyValue[] {
  switch (event.type) {
    case "exec.completed": {
      const errorType = execErrorType(event.data);
      return errorType === undefined ? NONE : [attribute("error.type", errorType)];
    }
    case "http.request": {
      const { route, status, errorCode } = event.data;
      const errorType = errorCode ?? (status >= 500 ? String(status) : undefined);
      return [
        ...(route ? [attribute("http.route", route)] : NONE),
        ...(errorType === undefined ? NONE : [attribute("error.type", errorType)]),
      ];
    }
    case "sandbox.forked": {
      const { children } = event.data;
      return [
        attribute("sandglass.fork.children", children.join(",")),
        attribute("sandglass.fork.count", children.length),
      ];
    }
    case "agent.tool_call":
      return [attribute("gen_ai.operation.name", "execute_tool")];
    case "agent.tool_result":
      return [
        attribute("gen_ai.operation.name", "execute_tool"),
        ...(event.data.isError ? [attribute("error.type", "tool_error")] : NONE),
      ];
    case "agent.started":
      return [attribute("gen_ai.operation.name", "invoke_agent")];
    case "agent.completed":
      return [
        attribute("gen_ai.operation.name", "invoke_agent"),
        ...(event.data.status === "ok" ? NONE : [attribute("error.type", event.data.status)]),
      ];
    case "run.started": {
      const { name, agent = name } = event.data;
      return [attribute("gen_ai.operation.name", "invoke_agent"), attribute("gen_ai.agent.name", agent)];
    }
    case "run.completed": {
      const { name, agent = name, status } = event.data;
      return [
        attribute("gen_ai.operation.name", "invoke_agent"),
        attribute("gen_ai.agent.name", agent),
        ...(status === "ok" ? NONE : [attribute("error.type", status)]),
      ];
    }
    default:
      return NONE;
  }
}
