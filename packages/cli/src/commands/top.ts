import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import type { Client, SandboxInfo } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { parseDuration } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { topTable } from "../print/top-table.ts";
import type { Terminal } from "../terminal.ts";
import { TOP_TYPES, TopBoard, type TopRow } from "../top-board.ts";

/** How far back it looks for what sandboxes that are there used and cost. */
const LAST_EVENTS = 20_000;
/** The line of totals, the headings, what is left over, and the prompt. */
const OTHER_LINES = 4;
const TO_OTHER_SCREEN = "\u001b[?1049h\u001b[?25l";
const TO_OWN_SCREEN = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

const DEFAULT_INTERVAL_MS = 1_000;
/** Each look reads the record and the list: more often would be nothing but work for the daemon. */
const MIN_INTERVAL_MS = 100;

interface TopOptions extends ConnectionOptions {
  interval?: number;
  once?: boolean;
}

/** `sandglass top`: the sandboxes that there are, with what they use, as it changes. */
export function topCommand(terminal: Terminal): Command {
  return withConnection(new Command("top").summary("watch what sandboxes use and cost"))
    .description(
      "The sandboxes that there are: CPU as a share of their limit, memory, processes, execs that are over and under way, cost. Refreshed until " +
        "Ctrl-C; where the output is no terminal, one table after the other.",
    )
    .option("-i, --interval <duration>", "between two looks, 100ms or more (default: 1s)", parseInterval)
    .option("--once", "look once and end")
    .addHelpText(
      "after",
      `
EXECS with "3 + 1" are three that are over and one under way. CPU and MEMORY are measured every few seconds. TELEMETRY REFUSED is there
where a sandbox sends more than it may: requests, and what most of them were refused for.

Examples:
  sandglass top
  sandglass top --once --json | jq '.[] | select(.cpu > 0.9) | .id'
  sandglass top --interval 10s >> usage.txt`,
    )
    .action((options: TopOptions) => watch(terminal, options, clientOf(options)));
}

function parseInterval(text: string): number {
  const intervalMs = parseDuration(text);
  if (intervalMs < MIN_INTERVAL_MS) throw new InvalidArgumentError("Use 100ms or more.");
  return intervalMs;
}

/** Takes in what was recorded behind the cursor, or the last of it where there is none yet. @returns the cursor behind it */
async function readOn(
  client: Client,
  board: TopBoard,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const from = cursor === undefined ? { last: LAST_EVENTS } : { after: cursor };
  let behind = cursor;
  for await (const event of client.events({ types: TOP_TYPES, ...from, signal })) {
    behind = event.cursor;
    if (event.type !== "gap") board.take(event);
  }
  return behind;
}

async function watch(terminal: Terminal, options: TopOptions, client: Client): Promise<void> {
  const signal = terminal.interruption;
  const isDrawn = terminal.columns > 0 && !options.json && !options.once;
  const board = new TopBoard();
  let cursor: string | undefined;
  if (isDrawn) await terminal.write(TO_OTHER_SCREEN);
  try {
    for (;;) {
      cursor = await readOn(client, board, cursor, signal);
      const rows = board.rows(await listAll(client));
      if (isDrawn) await draw(terminal, rows);
      else await print(terminal, options, rows);
      if (options.once) return;
      await delay(options.interval ?? DEFAULT_INTERVAL_MS, undefined, { signal }).catch(() => {
        throw signal.reason;
      });
    }
  } finally {
    if (isDrawn) await terminal.write(TO_OWN_SCREEN);
  }
}

/** Over what stood there before, line by line, so that nothing flickers. */
async function draw(terminal: Terminal, rows: readonly TopRow[]): Promise<void> {
  const text = topTable(rows, terminal.colors, Math.max(1, terminal.rows - OTHER_LINES));
  const lines = text.split("\n").map((line) => `${line}${CLEAR_LINE}\n`);
  await terminal.write(`${HOME}${lines.join("")}${CLEAR_BELOW}`);
}

async function print(terminal: Terminal, { json, once }: TopOptions, rows: readonly TopRow[]): Promise<void> {
  if (json) await terminal.print(once ? printableJson(rows, 2) : printableJson(rows));
  else await terminal.print(once ? topTable(rows, terminal.colors) : `${topTable(rows, terminal.colors)}\n`);
}

async function listAll(client: Client): Promise<SandboxInfo[]> {
  const sandboxes: SandboxInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.sandboxes.list({ limit: 1000, ...(cursor !== undefined && { cursor }) });
    sandboxes.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return sandboxes;
}
