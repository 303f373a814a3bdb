import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyTree } from "../host/copy-tree.ts";
import { NATIVE } from "../native.ts";

/** Where a sandbox has what instruments its programs. */
export const INSIDE = {
  /** Loaded into every program: its span. */
  spans: "/run/sandglass/libsandglass-spans.so",
  /** A directory with a `sitecustomize` for Python. */
  python: "/run/sandglass/python",
  /** A module for Node to require first. */
  node: "/run/sandglass/node/register.cjs",
} as const;

const SOURCES: Record<keyof typeof INSIDE, string> = {
  spans: join(dirname(NATIVE.agent), "libsandglass-spans.so"),
  python: join(NATIVE.assets, "instrument/python"),
  node: join(NATIVE.assets, "instrument/node/register.cjs"),
};

/** Puts them below `root`, which becomes a sandbox's `/`. They are in every sandbox; only its environment says whether they are used. */
export function placeInstrumentation(root: string): void {
  for (const name of ["spans", "python", "node"] as const) {
    const target = join(root, INSIDE[name]);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    copyTree(SOURCES[name], target);
  }
  // Python would keep what it compiled in a directory of this name, as if the sandbox had written it.
  writeFileSync(join(root, INSIDE.python, "__pycache__"), "", { mode: 0o444 });
}
