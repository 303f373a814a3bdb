import * as z from "zod";
import { integerBetween, sandboxId } from "./fields.ts";
import { strictObject } from "./strict-object.ts";

export const ForkRequest = strictObject({
  n: integerBetween(1, 32, "forks").optional().describe("How many forks. Default 1."),
});

const children = z.array(z.object({ id: z.string(), state: z.enum(["live", "files"]) }));
export const ForkResult = z.object({ children });

/** `against`: default the sandbox that it was forked from. */
export const DiffQuery = strictObject({ against: sandboxId.optional() });
export type DiffQuery = z.output<typeof DiffQuery>;

const paths = z.array(z.string());
export const SandboxDiff = z.object({
  against: z.string(),
  added: paths,
  modified: paths,
  removed: paths,
  truncated: z.boolean(),
});
