import assert from "node:assert/strict";
import type { Sandbox } from "sandglass";
import type { PlantedSecrets } from "./planted-secrets.ts";

/**
 * Plants a secret in all of a request that a sandbox sends out but where it goes to, once where it may and once where it may not: host and
 * port are recorded also with `record: "metadata"` (docs/egress.md).
 */
export async function plantInRequests(
  { commands }: Sandbox,
  secrets: PlantedSecrets,
  reachable: string,
): Promise<void> {
  for (const [host, code] of [
    [reachable, "200"],
    ["denied.example", "403"],
  ] as const) {
    const of = (place: string): string => secrets.of(`${place} to ${host}`);
    const url = `http://${of("user")}:${of("password")}@${host}/${of("path")}?${of("query")}=1`;
    const field = `X-${of("field name")}: ${of("field")}`;
    const { stdout } = await commands.run([
      ...["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-x", "http://127.0.0.1:3128"],
      ...["--noproxy", "", "-H", field, "-d", of("body"), url],
    ]);
    assert.equal(stdout, code, host);
  }
}
