/**
 * `make bench`: runs every part, prints a table of each and at the end what the project promises, and writes all of it to
 * `bench/results/latest.json`. Speed is never a test: the exit code is 1 only where something could not be measured.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cold } from "./cold.ts";
import { collector } from "./collector/receive.ts";
import { collectorCost } from "./collector/sandbox-cost.ts";
import { consolePart } from "./console.ts";
import { create } from "./create.ts";
import { backlog } from "./delivery/backlog.ts";
import { emit } from "./delivery/emit.ts";
import { jsonl } from "./delivery/jsonl.ts";
import { otlp } from "./delivery/otlp.ts";
import { postgres } from "./delivery/postgres.ts";
import { exec } from "./exec.ts";
import { fleet } from "./fleet.ts";
import { isolation } from "./isolation.ts";
import { log } from "./log.ts";
import { describeMachine, type Machine, QUIET_LOAD } from "./measure/machine.ts";
import { type Part, planOf } from "./measure/plan.ts";
import type { Row } from "./measure/row.ts";
import { formatRows, formatTargets } from "./measure/table.ts";
import { neighbour } from "./neighbour.ts";
import { peers } from "./peers.ts";
import { recording } from "./recording.ts";
import { relay } from "./relay/relay.ts";
import { restart } from "./restart.ts";
import { samples } from "./samples.ts";
import { sdk } from "./sdk.ts";
import { stdout } from "./stdout.ts";
import { store } from "./store.ts";
import { tti } from "./tti.ts";

const PARTS: readonly Part[] = [
  create,
  cold,
  exec,
  sdk,
  tti,
  peers,
  stdout,
  log,
  recording,
  otlp,
  jsonl,
  postgres,
  emit,
  backlog,
  relay,
  collector,
  collectorCost,
  samples,
  restart,
  fleet,
  neighbour,
  isolation,
  consolePart,
  store,
];
const RESULTS = new URL("results/latest.json", import.meta.url);

/** One part's outcome, as `latest.json` has it. */
interface PartResult {
  name: string;
  title: string;
  seconds: number;
  rows: Row[];
  /** Why it could not be measured. */
  error?: string;
}

const USAGE = `Usage: make bench ARGS="[--quick] [--only NAME,NAME]"

  --quick   few repetitions: shows that everything works, its figures say little
  --only    these parts: ${PARTS.map(({ name }) => name).join(", ")}
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const wanted = values.only?.split(",") ?? PARTS.map(({ name }) => name);
  const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
  if (values.help || unknown.length > 0) {
    process.stdout.write(unknown.length > 0 ? `there is no part ${unknown.join(", ")}\n\n${USAGE}` : USAGE);
    return values.help ? 0 : 1;
  }
  const machine = describeMachine();
  introduce(machine, values.quick);
  const startedAt = new Date().toISOString();
  const results: PartResult[] = [];
  for (const part of PARTS.filter(({ name }) => wanted.includes(name))) {
    print(`\n${part.title} (${part.name})`);
    const result = await runPart(part, values.quick);
    results.push(result);
    if (result.rows.length > 0) print(formatRows(result.rows));
    if (result.error !== undefined) print(`  not measured: ${result.error}`);
  }
  const promises = formatTargets(results);
  if (promises !== "") print(`\nMust show\n${promises}`);
  const failed = results.filter(({ error }) => error !== undefined).map(({ name }) => name);
  if (failed.length > 0) print(`\nnot measured: ${failed.join(", ")}`);
  mkdirSync(new URL(".", RESULTS), { recursive: true });
  const { quick: isQuick } = values;
  writeFileSync(RESULTS, `${JSON.stringify({ startedAt, isQuick, machine, parts: results }, null, 2)}\n`);
  print(`\nwritten to bench/results/latest.json`);
  return failed.length > 0 ? 1 : 0;
}

async function runPart(part: Part, isQuick: boolean): Promise<PartResult> {
  const started = performance.now();
  const { name, title } = part;
  const outcome = await part.measure(planOf(isQuick)).then(
    (rows) => ({ rows }),
    (error: unknown) => ({ rows: [], error: error instanceof Error ? error.message : String(error) }),
  );
  return { name, title, seconds: Math.round((performance.now() - started) / 1000), ...outcome };
}

function introduce(machine: Machine, isQuick: boolean): void {
  const { cores, processor, memoryGb, system, kernel, node, loadAverage } = machine;
  print(`${cores} x ${processor}, ${memoryGb} GB, ${system}, Linux ${kernel}, Node ${node}`);
  print(`load average ${loadAverage.toFixed(2)} before the start`);
  if (loadAverage > QUIET_LOAD)
    print(`warning: something else is at work (load above ${QUIET_LOAD}); only the ratios are to be trusted`);
  if (isQuick) print("quick: few repetitions, so that its figures say little");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
