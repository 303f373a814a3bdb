import { inspect } from "node:util";
import type { Answer, Call } from "./subject.ts";

/** What a subject can be called for, by name. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>;

/** Makes this process a `Subject`. When the one that started it lets go, `end` gives back what would keep it alive. */
export function answerCalls(calls: Calls, end: () => unknown = () => undefined): void {
  process.on("message", async ({ call, name, argument }: Call) => {
    try {
      const work = calls[name];
      if (work === undefined) throw new Error(`there is no call ${name}`);
      answer({ call, value: await work(argument as never) });
    } catch (error) {
      answer({ call, error: error instanceof Error ? error.message : inspect(error) });
    }
  });
  process.once("disconnect", end);
}

function answer(answer: Answer): void {
  if (process.connected) process.send?.(answer);
}
