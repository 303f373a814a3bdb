import type { HttpStatusCheck } from "../../config/status-schema.ts";
import { type Probe, slug } from "../component-spec.ts";
import { requestStatus } from "./request-status.ts";

/**
 * A check of the operator's own: whether a URL is answered as it should be. It may be on any network, since an operator configured it.
 *
 * @param headers with their secrets filled in
 */
export function httpCheckProbe(
  check: HttpStatusCheck,
  headers: Readonly<Record<string, string>>,
): Omit<Probe, "isPublic"> {
  const { name, method, intervalMs, timeoutMs, expectedStatus } = check;
  const url = new URL(check.url);
  const expected = expectedStatus === undefined ? undefined : [expectedStatus].flat();
  return {
    ...{ id: `check-${slug(name)}`, name, group: "Checks", isCore: false, intervalMs, timeoutMs },
    async look(signal) {
      const started = performance.now();
      const status = await requestStatus(url, { signal, method, headers });
      const latencyMs = performance.now() - started;
      const isWell = expected?.includes(status) ?? (status >= 200 && status < 300);
      return isWell
        ? { status: "operational", latencyMs }
        : { status: "major_outage", latencyMs, reason: `HTTP ${status}` };
    },
  };
}
