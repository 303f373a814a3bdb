import type { Handlers } from "./call.ts";
import { consoleHandlers } from "./handlers/console-handlers.ts";
import { deletionHandlers } from "./handlers/deletion-handlers.ts";
import { execHandlers, streamExec } from "./handlers/exec-handlers.ts";
import { exporterHandlers } from "./handlers/exporter-handlers.ts";
import { fileHandlers } from "./handlers/file-handlers.ts";
import { describeSandbox } from "./handlers/find-sandbox.ts";
import { forkHandlers } from "./handlers/fork-handlers.ts";
import type { HandlerServices } from "./handlers/handler-services.ts";
import { hostHandlers } from "./handlers/host-handlers.ts";
import { metricHandlers } from "./handlers/metric-handlers.ts";
import { recordHandlers } from "./handlers/record-handlers.ts";
import { runHandlers } from "./handlers/run-handlers.ts";
import { sandboxHandlers } from "./handlers/sandbox-handlers.ts";
import { statusHandlers } from "./handlers/status-handlers.ts";
import type { Replay } from "./idempotency.ts";

export type { HandlerServices } from "./handlers/handler-services.ts";

/** Every route's handler. */
export function createHandlers(services: HandlerServices): Handlers {
  return {
    ...sandboxHandlers(services),
    ...forkHandlers(services),
    ...execHandlers(services),
    ...fileHandlers(services),
    ...recordHandlers(services),
    ...runHandlers(services),
    ...metricHandlers(services),
    ...deletionHandlers(services),
    ...exporterHandlers(services),
    ...hostHandlers(services),
    ...consoleHandlers(services),
    ...statusHandlers(services),
  };
}

/** How the answers of a create and an exec are found again. */
export function createReplays(services: HandlerServices): { createSandbox: Replay; exec: Replay } {
  return {
    createSandbox: {
      reference: (answer) => ({ sandboxId: (answer as { id: string }).id }),
      answer: ({ sandboxId }, { record }) => {
        record.sandboxId = sandboxId;
        return describeSandbox({ params: { id: sandboxId }, record }, services);
      },
    },
    exec: {
      reference: (answer, { params }) => ({
        sandboxId: params.id ?? "",
        execId: (answer as { headers: Record<string, string> }).headers["x-exec-id"] ?? "",
      }),
      answer: ({ execId = "" }, call) => streamExec(call, execId, undefined, services),
    },
  };
}
