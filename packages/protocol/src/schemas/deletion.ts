import * as z from "zod";

const count = z.int().nonnegative();

export const DeletionResult = z.object({ sandboxes: count, events: count, bytes: count });

export const RecordDeletedData = z.object({
  ...DeletionResult.shape,
  deletionId: z.string(),
  sandboxIds: z.array(z.string()),
  runId: z.string().optional(),
  keyId: z.string().optional(),
});
