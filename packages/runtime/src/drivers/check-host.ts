import type { Check } from "@sandglass/protocol";
import { detectCgroups } from "../host/cgroup-layout.ts";
import { hostChecks } from "../host/checks.ts";
import { userMapping } from "./user-mapping.ts";

/** What of this host matters to isolation, as the user who asks would have it. Needs no daemon, and changes nothing. */
export async function checkHost(): Promise<Check[]> {
  return process.getuid?.() === 0 ? hostChecks() : hostChecks(detectCgroups(""), userMapping());
}
