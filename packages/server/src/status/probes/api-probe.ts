import type { Observation } from "../component-spec.ts";
import { requestStatus } from "./request-status.ts";

/** The API, asked over its own socket as anybody would: listener, guard, routing and answer. */
export async function lookAtApi(baseUrl: string, signal: AbortSignal): Promise<Observation> {
  const started = performance.now();
  // Itself: a certificate for the name that others use does not name the loopback address.
  const status = await requestStatus(new URL("/readyz", baseUrl), { signal, isCertificateChecked: false });
  const latencyMs = performance.now() - started;
  return status === 200
    ? { status: "operational", latencyMs }
    : { status: "major_outage", latencyMs, reason: `HTTP ${status}` };
}
