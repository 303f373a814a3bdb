import type { SandboxDiff } from "sandglass";
import type { Colors } from "../terminal.ts";
import { printable } from "./printable.ts";

/** A line for each path, by path, with the letters that git uses. */
export function diffList({ added, modified, removed }: SandboxDiff, colors: Colors): string[] {
  const lines = [
    ...added.map((path) => ({ path, mark: colors.green("A") })),
    ...modified.map((path) => ({ path, mark: colors.yellow("M") })),
    ...removed.map((path) => ({ path, mark: colors.red("D") })),
  ];
  return lines
    .sort((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ path, mark }) => `${mark} ${printable(path)}`);
}
