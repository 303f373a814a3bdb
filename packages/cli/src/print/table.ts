import Table from "cli-table3";
import type { Colors } from "../terminal.ts";
import { printable } from "./printable.ts";

/** Rows below bold headings, columns by two spaces, no lines. Cells are stripped of control characters. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  colors: Colors,
): string {
  const nothing = { top: "", "top-mid": "", "top-left": "", "top-right": "" };
  const drawn = new Table({
    head: headings.map((heading) => colors.bold(heading)),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: {
      ...nothing,
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "",
    },
  });
  for (const row of rows) drawn.push(row.map(printable));
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
