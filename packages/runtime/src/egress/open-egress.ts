import type { CallContext } from "@sandglass/protocol";
import type { Machine } from "../machine.ts";
import type { SandboxExecs } from "../sandbox-execs.ts";
import type { SandboxRecord } from "../sandbox-record.ts";
import type { EgressProxy } from "./egress-proxy.ts";
import { SandboxEgress } from "./sandbox-egress.ts";
import type { SandboxNetwork } from "./sandbox-network.ts";

export interface EgressParts {
  machine: Machine;
  /** What it may reach; undefined where that is nothing. */
  network: SandboxNetwork | undefined;
  proxy: EgressProxy;
}

/** The way out of a sandbox, joined to its record and its execs; undefined where it has none. It opens with the machine's claim. */
export function openEgress(
  { machine, network, proxy }: EgressParts,
  record: SandboxRecord,
  execs: SandboxExecs,
  own: () => CallContext,
): SandboxEgress | undefined {
  if (network === undefined) return undefined;
  return new SandboxEgress({
    ...network,
    sandboxId: machine.id,
    proxy,
    driver: machine.driver,
    say: (type, data, cause) =>
      record.say(cause?.context ?? own(), type, type === "network.denied" ? "warn" : "info", data),
    causeOf: (group) => {
      const exec = execs.ofGroup(group);
      return exec && { execId: exec.id, context: { ...exec.context, parentSpanId: exec.spanId } };
    },
  });
}
