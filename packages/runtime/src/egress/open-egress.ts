import type { Machine } from "../machine.ts";
import type { SandboxExecs } from "../sandbox-execs.ts";
import type { SandboxRecord } from "../sandbox-record.ts";
import type { EgressProxy } from "./egress-proxy.ts";
import type { EgressPlace } from "./egress-record.ts";
import { SandboxEgress } from "./sandbox-egress.ts";
import type { SandboxNetwork } from "./sandbox-network.ts";

export interface EgressParts {
  machine: Machine;
  /** What it may reach; undefined where that is nothing. */
  network: SandboxNetwork | undefined;
  proxy: EgressProxy;
}

/**
 * The way out of a sandbox, joined to its record and its execs; undefined where it has none. It opens with the machine's claim.
 *
 * @param creation where what no exec has caused belongs
 */
export function openEgress(
  { machine, network, proxy }: EgressParts,
  record: SandboxRecord,
  execs: SandboxExecs,
  creation: EgressPlace,
): SandboxEgress | undefined {
  if (network === undefined) return undefined;
  return new SandboxEgress({
    ...network,
    sandboxId: machine.id,
    proxy,
    driver: machine.driver,
    say: (type, data, cause) => {
      const { context, spanId } = cause ?? creation;
      // A connection is a span of its own; one that was refused is a moment in the span that wanted it.
      if (type === "network.denied") return record.say(context, type, "warn", data, spanId);
      return record.say({ ...context, parentSpanId: spanId }, type, "info", data);
    },
    causeOf: (group) => {
      const exec = execs.ofGroup(group);
      return exec && { execId: exec.id, context: exec.context, spanId: exec.spanId };
    },
  });
}
