/**
 * The clients themselves: the same cell through the Python client and the TypeScript client in turns, the latter with and without spans of
 * its own, and what importing the Python client takes.
 */
import { FaultyServer } from "@sandglass/testkit";
import { Client } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import { interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { runProgram } from "./measure/program.ts";
import { type Row, row } from "./measure/row.ts";
import { median } from "./measure/statistics.ts";
import { PYTHON, PythonClient } from "./sdk/python-client.ts";

const TYPESCRIPT = 'TypeScript runCode("print(1)")';
const PYTHON_CELL = 'Python run_code("print(1)")';
const TRACED = `${TYPESCRIPT}, tracing on`;
const IMPORT = "import sandglass; print(1)";

export const sdk: Part = {
  name: "sdk",
  title: "The clients: Python beside TypeScript, tracing on and off, import",
  measure: async (plan) => [...(await measureCells(plan)), ...(await measureImport(plan))],
};

async function measureCells(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  await using sink = await FaultyServer.start(() => ({ status: 200 }));
  await using python = await PythonClient.start(daemon.client.baseUrl, daemon.apiKey);
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = sink.url;
  const traced = new Client({ baseUrl: daemon.client.baseUrl, apiKey: daemon.apiKey, sdkOtelEnabled: true });
  const own = await daemon.client.createSandbox("python");
  const other = await traced.createSandbox("python");
  const candidates = [
    { name: TYPESCRIPT, run: () => timed(() => own.runCode("print(1)")) },
    { name: TRACED, run: () => timed(() => other.runCode("print(1)")) },
    { name: PYTHON_CELL, run: () => python.runCode() },
  ];
  await interleave(plan.times(300, 30), candidates);
  const samples = await interleave(plan.times(2000, 100), candidates);
  await Promise.all([own.terminate(), other.terminate()]);
  await traced.close();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (sink.requests === 0) throw new Error("no span was sent");
  const [plain, withSpans, pythons] = [TYPESCRIPT, TRACED, PYTHON_CELL].map((name) =>
    median(samples.get(name)!),
  ) as [number, number, number];
  const note = "same run, in turns";
  return [
    row(`${TYPESCRIPT}, p50`, plain, "ms"),
    row(`${PYTHON_CELL}, p50`, pythons, "ms"),
    row("Python / TypeScript", pythons / plain, "x", { target: { atMost: 1.3 }, note }),
    row(`${TRACED}, p50`, withSpans, "ms", { note: "with the sink in the same process" }),
    row("tracing on / off", withSpans / plain, "x", { target: { atMost: 1.05 }, note }),
  ];
}

async function measureImport(plan: Plan): Promise<Row[]> {
  const candidates = [
    {
      name: "import",
      run: async () => (await runProgram([PYTHON, "-c", IMPORT], "1\n")).totalMs,
    },
    { name: "nothing", run: async () => (await runProgram([PYTHON, "-c", "print(1)"], "1\n")).totalMs },
  ];
  const samples = await interleave(plan.times(30, 5), candidates);
  const [whole, bare] = ["import", "nothing"].map((name) => median(samples.get(name)!)) as [number, number];
  return [
    row("import sandglass (Python), p50", whole - bare, "ms", {
      target: { atMost: 150 },
      note: "a program that imports it, without one that does not",
    }),
  ];
}
