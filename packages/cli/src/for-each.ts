import { Exit } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Does something for each of several; one that fails is reported and holds up none of the others.
 *
 * @param finish told for which it was done
 * @throws the failure itself where there is only one thing to do; otherwise an Exit with the code of the first that failed
 */
export async function forEach(
  ids: readonly string[],
  terminal: Terminal,
  isJson: boolean,
  work: (id: string) => Promise<void>,
  finish: (done: string[]) => Promise<void>,
): Promise<void> {
  if (ids.length === 1) {
    await work(ids[0] ?? "");
    return finish([...ids]);
  }
  const done: string[] = [];
  let code = 0;
  for (const id of ids) {
    try {
      await work(id);
      done.push(id);
    } catch (error) {
      const failed = await reportFailure(error, terminal, isJson);
      code ||= failed;
    }
  }
  await finish(done);
  if (code !== 0) throw new Exit(code);
}
