import { Client, SandglassError } from "sandglass";
import { work } from "./agent.ts";
import { chooseModel, modelAnalyst } from "./model.ts";
import { QUESTION, scriptedAnalyst } from "./plan.ts";
import { Screen } from "./screen.ts";
import { Tools } from "./tools.ts";

/** What an analysis leaves behind. */
export interface Analysis {
  answer: string;
  runId: string;
  traceId: string;
  /** In the order in which they were opened. */
  sandboxIds: readonly string[];
}

/**
 * Lets the analyst answer {@link QUESTION} in sandboxes of the daemon that `client` means: with a model where the
 * environment holds a key for one, else by its script. The whole of it is one run and one trace.
 */
export async function analyse(client: Client, screen: Screen): Promise<Analysis> {
  const model = chooseModel(process.env);
  screen.heading("The question");
  screen.line(QUESTION);
  screen.note(
    model === undefined
      ? "No key for a model is set, so the steps are scripted. The code, and what comes of it, is real."
      : `${model.name} decides what to do.`,
  );
  const request = { name: "analyst", agent: model?.name ?? "scripted", captureContent: true };
  const analysis = await client.run(request, async (run) => {
    const { runId, traceId } = run;
    await using tools = new Tools(run, screen);
    const agent = model === undefined ? scriptedAnalyst() : modelAnalyst(model, QUESTION, run);
    const answer = await work(agent, run, tools, screen);
    return { answer, runId, traceId, sandboxIds: tools.opened };
  });
  screen.heading("The answer");
  screen.line(analysis.answer);
  return analysis;
}

/** Against the daemon of `SANDGLASS_URL`: `node examples/analyst/analyst.ts`. */
async function main(): Promise<void> {
  const screen = new Screen();
  const { runId, traceId } = await analyse(new Client(), screen);
  screen.line(`\nrun ${runId}\ntrace ${traceId}`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    const { message } = error as Error;
    const hint = error instanceof SandglassError && error.hint !== undefined ? `\n${error.hint}` : "";
    process.stderr.write(`analyst: ${message}${hint}\n`);
    process.exitCode = 1;
  }
}
