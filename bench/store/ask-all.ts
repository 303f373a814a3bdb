import type { TestDaemon } from "@sandglass/testkit";
import { timed } from "../measure/interleave.ts";

/** Something that the console asks for. */
export interface Question {
  name: string;
  /** With its query. */
  path: string;
  /** What is promised, milliseconds. */
  atMost?: number;
  note?: string;
}

/** Asks everything in turns, and reads the answers to their ends. */
export async function askAll(
  daemon: TestDaemon,
  questions: readonly Question[],
  rounds: number,
): Promise<{ question: Question; samples: number[] }[]> {
  const asked = questions.map((question) => ({ question, samples: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const { question, samples } of asked) {
      const ms = await timed(() => ask(daemon, question.path));
      // The first is for warming up.
      if (round >= 0) samples.push(ms);
    }
  }
  return asked;
}

/** @throws Error where the answer is none */
export async function ask(daemon: TestDaemon, path: string): Promise<string> {
  const response = await fetch(daemon.url + path, { headers: { authorization: `Bearer ${daemon.apiKey}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return text;
}
