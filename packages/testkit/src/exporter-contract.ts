import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ContractCase, inWorld } from "./exporter-contract/contract-case.ts";
import { deliveringCases } from "./exporter-contract/delivering.ts";
import { filteringCase } from "./exporter-contract/filtering.ts";
import { flushingCases } from "./exporter-contract/flushing.ts";
import { partialSuccessCase, poisonCase } from "./exporter-contract/refusing.ts";
import {
  type ExporterUnderTest,
  FAULT_NAMES,
  type FaultName,
  type TRANSIENT_FAULTS,
  type TransientFaultName,
} from "./exporter-contract/subject.ts";
import { retryAfterCase, survivingCase } from "./exporter-contract/surviving.ts";

export type { ContractCase } from "./exporter-contract/contract-case.ts";
export { bodyOf, forwardHttp, HttpFront, type HttpFrontOptions } from "./exporter-contract/http-front.ts";
export { describeBroken } from "./exporter-contract/invariant-watch.ts";
export {
  type ExporterHarness,
  type ExporterUnderTest,
  type Fault,
  type FaultName,
  type Faults,
  NO_FILES,
  NO_NETWORK,
  type ReceivedEvent,
  type RefusalFault,
  type RetryAfterFault,
  UNRESOLVABLE_HOST,
} from "./exporter-contract/subject.ts";
export { type Tampering, TamperingProxy } from "./exporter-contract/tampering-proxy.ts";

/**
 * What every exporter must do, as tests of `node:test`: through the real delivery and a real log, against a real counterpart that
 * misbehaves on demand.
 *
 * @example exporterContract("mine", {
 *   guarantees: { exactlyOnce: false, order: "none" },
 *   excused: { ...NO_FILES, partialSuccess: "it takes all or nothing" },
 *   start: async () => ({ definition: mine, config: () => ({ url }), received, faults: { unavailable, … }, close }),
 * });
 */
export function exporterContract(name: string, subject: ExporterUnderTest): void {
  describe(`the exporter ${name}`, () => {
    for (const each of contractCases(subject)) test(each.name, () => each.run(subject));
  });
}

/** The same, to be run one by one. */
export function contractCases({ excused, mayRunInThread = false }: ExporterUnderTest): ContractCase[] {
  const asked = FAULT_NAMES.filter((fault) => excused[fault] === undefined).map(caseOf);
  const all = [everyFaultCase, ...deliveringCases, filteringCase, ...flushingCases, ...asked];
  return mayRunInThread ? [...all, ...[...deliveringCases, ...flushingCases].map(inThread)] : all;
}

function inThread({ name, run }: ContractCase): ContractCase {
  return { name: `in a thread: ${name}`, run: (subject) => run({ ...subject, isInThread: true }) };
}

const everyFaultCase: ContractCase = {
  name: "every fault is there to be met, or excused with a reason",
  run: (subject) =>
    inWorld(subject, async (_world, { faults, definition }) => {
      for (const fault of FAULT_NAMES) {
        const reason = subject.excused[fault];
        if (faults[fault] === undefined) assert.ok(reason, `${fault} is neither given nor excused`);
        else assert.equal(reason, undefined, `${fault} is given and excused`);
      }
      assert.equal(subject.mayRunInThread ?? false, definition.mayRunInThread ?? false);
    }),
};

function caseOf(fault: FaultName): ContractCase {
  switch (fault) {
    case "retryAfter":
      return retryAfterCase;
    case "poison":
      return poisonCase;
    case "partialSuccess":
      return partialSuccessCase;
    default:
      return survivingCase(fault satisfies keyof typeof TRANSIENT_FAULTS satisfies TransientFaultName);
  }
}
