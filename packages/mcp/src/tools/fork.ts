import * as z from "zod";
import { textContent } from "../output/content.ts";
import { defineTool, place, sandboxId } from "./tool.ts";

/** Of one call, as the daemon allows. */
const MAX_FORKS = 32;

/** `fork`: copies of a sandbox, to try several ways from the same state. */
export const fork = defineTool({
  name: "fork",
  title: "Fork the sandbox",
  description:
    "Makes sandboxes that begin with all files of this one as they are now, and change by themselves from then on: to try several ways, or something " +
    "risky, from the same state. Variables of interpreters and processes that run are not copied. Name a fork as `sandbox_id` to work in it.",
  input: z.strictObject({
    n: z.int().min(1).max(MAX_FORKS).default(1).describe("How many."),
    sandbox_id: sandboxId.describe(
      "What to fork: an earlier fork, or a sandbox of your own. Default: the sandbox of this session.",
    ),
  }),
  output: z.object({
    ...place,
    forks: z.array(z.string()).describe("Their ids, for `sandbox_id`. They end with the session."),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  run: (args, call) =>
    call.sandboxes.use(call.run, args.sandbox_id, async ({ sandbox, isReplacement }) => {
      // Also where the call is cancelled meanwhile: what is made has to be known, to be ended with the session.
      const forks = await sandbox.fork({ n: args.n });
      call.sandboxes.adopt(forks);
      const ids = forks.map(({ id }) => id);
      const count = ids.length === 1 ? "1 fork" : `${ids.length} forks`;
      return {
        content: [textContent([...ids, `[${count} of ${sandbox.id}, with its files]`].join("\n"))],
        structuredContent: { sandbox_id: sandbox.id, new_sandbox: isReplacement, forks: ids },
      };
    }),
});
