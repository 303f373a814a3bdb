import { parentPort, workerData } from "node:worker_threads";
import type { QueryAnswer, QueryCall } from "./messages.ts";
import { openForReading } from "./open-database.ts";
import { QUERIES } from "./queries.ts";
import { Statements } from "./statements.ts";

const statements = new Statements(openForReading((workerData as { path: string }).path));

parentPort?.on("message", ({ call, name, arguments: query }: QueryCall) => {
  const answer: QueryAnswer = { call };
  try {
    // Name and arguments come together from the typed side of this port.
    answer.value = (QUERIES[name] as (statements: Statements, query: unknown) => unknown)(statements, query);
  } catch (error) {
    answer.error = (error as Error).message;
  }
  const { value } = answer;
  parentPort?.postMessage(answer, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []);
});
