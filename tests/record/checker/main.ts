/**
 * Checks the record of a data directory from its files alone:
 *
 *     node tests/record/checker/main.ts <dataDir> [--running] [--without-requests] [--clients FILE]
 *
 * Prints what it holds and each rule that is broken; the exit code is 1 where one is.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { checkRecord } from "./check-record.ts";
import type { ClientsView } from "./clients-view.ts";

const USAGE = `Usage: node tests/record/checker/main.ts <dataDir> [--running] [--without-requests] [--clients FILE]

  --running        sandboxes and execs may be without an ending
  --without-requests
                   the log refused events for a while, or a program in the daemon's own process made the calls
  --clients FILE   what clients were told, as JSON (tests/record/checker/clients-view.ts)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    running: { type: "boolean", default: false },
    "without-requests": { type: "boolean", default: false },
    clients: { type: "string" },
  },
});
const [dataDir] = positionals;
if (dataDir === undefined || positionals.length > 1) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const clients = values.clients && (JSON.parse(readFileSync(values.clients, "utf8")) as ClientsView);
  const result = checkRecord(dataDir, {
    isOver: !values.running,
    areRequestsRecorded: !values["without-requests"],
    ...(clients && { clients }),
  });
  const { records, deleted, bytes, sandboxes, execs, findings, endings } = result;
  const lines = [
    `${records} events (${bytes} bytes) of ${sandboxes} sandboxes and ${execs} execs`,
    ...(deleted === 0 ? [] : [`${deleted} records were deleted`]),
    ...Object.entries(endings).map(([ending, count]) => `  ${count} ${ending}`),
    ...findings,
    findings.length === 0 ? "every rule is kept" : `${findings.length} findings`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
