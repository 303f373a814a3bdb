import type { CreateSandboxRequest } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { TakeLines } from "./output-lines.ts";

/**
 * Where the lines of a sandbox go; undefined where they are not wanted. A template's `logs` gives way to what the request says of its
 * record.
 *
 * @param take undefined where there is no telemetry at all
 * @throws SandglassError INVALID_REQUEST, UNSUPPORTED_ON_HOST where the request asks for what cannot be
 */
export function wantedLines(
  request: Pick<CreateSandboxRequest, "logs" | "record">,
  template: { logs?: boolean | undefined },
  take: TakeLines | undefined,
): TakeLines | undefined {
  const isAsked = request.logs === true;
  if (!(request.logs ?? template.logs ?? false)) return undefined;
  if (request.record === "metadata") {
    if (!isAsked) return undefined;
    throw new SandglassError("INVALID_REQUEST", 'logs: true goes against record: "metadata"', {
      hint: "lines of output are content: leave out one of the two",
    });
  }
  if (take === undefined && isAsked) {
    throw new SandglassError("UNSUPPORTED_ON_HOST", "logs: true, but sandboxes have no collector here", {
      hint: "the daemon was started without one",
    });
  }
  return take;
}
