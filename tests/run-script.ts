import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** What a script that has ended leaves. */
export interface ScriptEnding {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Keys of whoever runs the tests would have the examples ask real models. */
const NOT_OURS = /^(SANDGLASS_|ANTHROPIC_|OPENAI_|ANALYST_)/;

/**
 * Starts a TypeScript file of this checkout as a user would.
 *
 * @param script relative to the checkout
 * @param env over the environment of the test, without its settings of Sandglass and of models
 */
export function spawnScript(
  script: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): ChildProcessByStdio<null, Readable, Readable> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_OURS.test(name));
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", path, ...args], {
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** As {@link spawnScript}, to its end. */
export async function runScript(...script: Parameters<typeof spawnScript>): Promise<ScriptEnding> {
  const child = spawnScript(...script);
  const exited = once(child, "exit") as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout, stderr };
}
