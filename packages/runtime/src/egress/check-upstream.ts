import { once } from "node:events";
import { connect } from "node:net";
import type { Check } from "@sandglass/protocol";
import type { UpstreamProxy } from "./upstream-proxy.ts";

const TIMEOUT_MS = 3_000;

/** Whether the proxy that sandboxes' destinations lie behind takes connections, as `doctor` says it: where it is, and nothing of its credentials. */
export async function checkUpstream({ host, port, authorization }: UpstreamProxy): Promise<Check> {
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const as = authorization === undefined ? "without credentials" : "with credentials";
  const detail = `what sandboxes may reach is reached through the proxy ${where}, ${as}`;
  const socket = connect({ host, port });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { name: "egress", status: "ok", detail };
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    const why = name === "AbortError" ? `no answer within ${TIMEOUT_MS / 1000} s` : (code ?? "failed");
    return {
      name: "egress",
      status: "warn",
      detail: `${detail}, which does not take connections: ${why}`,
      hint: "start that proxy, or correct egress.upstreamProxy",
    };
  } finally {
    socket.on("error", () => {}).destroy();
  }
}
