import { type Client, type EventLine, SandglassError } from "sandglass";

/**
 * How an exec began, by its id alone: the record knows it, also when its sandbox is long gone.
 *
 * @throws SandglassError EXEC_NOT_FOUND
 */
export async function execStart(
  client: Client,
  execId: string,
): Promise<EventLine & { type: "exec.started" }> {
  for await (const event of client.events({ types: ["exec.started"] })) {
    if (event.type === "exec.started" && event.data.execId === execId) return event;
  }
  throw new SandglassError("EXEC_NOT_FOUND", `no exec ${execId} is in the record`);
}
