import assert from "node:assert/strict";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { ExporterFilter } from "@sandglass/telemetry";
import { type ContractCase, inWorld } from "./contract-case.ts";
import { mixedLives, newContractPlace } from "./contract-events.ts";
import { expectArrival } from "./expect-arrival.ts";

/** A filter, and what it means in other words. */
const FILTERS: readonly {
  filter: ExporterFilter;
  wants: (event: RuntimeEvent) => boolean;
  errors?: boolean;
}[] = [
  {
    filter: { types: ["exec.*", "!exec.streamed"] },
    wants: ({ type }) => type === "exec.started" || type === "exec.completed",
  },
  { filter: { minLevel: "warn" }, wants: ({ level }) => level === "warn" || level === "error" },
  {
    filter: { condition: (event) => event.seq % 2 === 0, types: ["*"] },
    wants: ({ seq }) => seq % 2 === 0,
  },
  {
    filter: { where: 'type == "exec.completed" && data.exitCode != 0 || data.toolName == "run_code"' },
    wants: ({ type }) => ["exec.completed", "agent.tool_call", "agent.tool_result"].includes(type),
  },
  {
    filter: {
      types: ["agent.*"],
      condition: () => {
        throw new Error("a mistake in a filter");
      },
    },
    wants: ({ type }) => type.startsWith("agent."),
    errors: true,
  },
];

export const filteringCase: ContractCase = {
  name: "it gets the events that its filter wants and no others; a condition that throws lets them through and is counted",
  run: (subject) =>
    inWorld(subject, async (world, harness) => {
      const wanted = new Set<string>();
      const places = [newContractPlace(), newContractPlace()];
      for (const { filter, wants, errors = false } of FILTERS) {
        await world.reconfigure({ filter });
        const known = new Set((await world.record()).map(({ id }) => id));
        const before = world.info.counts;
        await world.emit(mixedLives(places, 3));
        await world.flushAll();
        const added = (await world.record()).filter(({ id }) => !known.has(id));
        const chosen = added.filter((event) => wants(event) && (harness.wants?.(event) ?? true));
        assert.ok(chosen.length < added.length && added.some(wants));
        for (const { id } of chosen) wanted.add(id);
        const { counts, filterErrors } = world.info;
        assert.equal(counts.delivered - before.delivered, chosen.length);
        assert.equal(counts.filtered - before.filtered, added.length - chosen.length);
        assert.equal(filterErrors > 0, errors);
      }
      await expectArrival(world, subject, { except: ({ id }) => !wanted.has(id) });
    }),
};
