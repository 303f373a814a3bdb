import { getSystemErrorMap } from "node:util";
import type { Scene } from "./scene.ts";

/** A call by its number, with its arguments; "p" is a pointer to zeros. */
export type Call = readonly [number: number, ...rest: readonly (number | "p")[]];

/** Makes the calls inside, by a program of C; answers with the errno of each by name, "ok" where it went well. */
export async function callInside(
  scene: Scene,
  calls: Readonly<Record<string, Call>>,
): Promise<Record<string, string>> {
  const program = await scene.place("calls");
  const specs = Object.entries(calls).map(([name, call]) => [name, call.join(":")] as const);
  const { stdout, stderr, cause } = await scene.run([program, ...specs.map(([, spec]) => spec)]);
  if (!stdout.endsWith("}\n")) throw new Error(`${cause}: ${stdout} ${stderr}`);
  const answers = JSON.parse(stdout) as Record<string, number>;
  return Object.fromEntries(specs.map(([name, spec]) => [name, errnoName(answers[spec] ?? -1)]));
}

function errnoName(number: number): string {
  return number === 0 ? "ok" : (getSystemErrorMap().get(-number)?.[0] ?? `errno ${number}`);
}
