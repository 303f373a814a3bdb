import type { DeadLetter } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age } from "./duration.ts";
import { shortened } from "./printable.ts";
import { table } from "./table.ts";

const REASON_WIDTH = 80;

/** Dead letters, a line each. */
export function deadLetterTable(letters: readonly DeadLetter[], colors: Colors): string {
  const rows = letters.map(({ deadAt, reason, event, telemetry }) => [
    age(deadAt),
    event?.type ?? `${telemetry?.items ?? 0} of ${telemetry?.signal ?? "telemetry"}`,
    event?.id ?? "",
    (event ?? telemetry)?.sandboxId ?? "",
    shortened(reason, REASON_WIDTH),
  ]);
  return table(["AGE", "WHAT", "EVENT", "SANDBOX", "REASON"], rows, colors);
}
