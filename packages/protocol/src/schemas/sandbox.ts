import * as z from "zod";
import { CAUSES } from "../causes.ts";
import { durationMs, environment, integerBetween, metadata, numberBetween, runId } from "./fields.ts";
import { NetworkOptions } from "./network.ts";
import { cursor, pageLimit, queryBoolean } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

const TIB = 1024 ** 4;

export const Cause = z.enum(CAUSES);
export const SandboxState = z.enum(["starting", "running", "paused", "terminating", "terminated"]);
export const Isolation = z.enum(["bubblewrap", "crun", "gvisor", "kubernetes"]);
export const SandboxSource = z.enum(["pool", "on_demand", "snapshot"]);
const onIdle = z.enum(["pause", "terminate"]);
const record = z.enum(["full", "metadata"]);

/** A template's name, also as a file name safe on every system. */
export const templateName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: "must be a template's name: a letter or digit, then up to 63 letters, digits, ., _ or -",
});

export const CreateSandboxRequest = strictObject({
  template: templateName.optional().describe('What to start from. Default "python".'),
  vcpu: numberBetween(0.05, 1024, "virtual CPUs").optional().describe("Processors, fractions too."),
  memoryMb: integerBetween(16, 1_048_576, "MiB", "no interpreter starts in less, no host has more")
    .optional()
    .describe("MiB. A process that goes beyond is killed: `oom_killed`."),
  diskMb: integerBetween(8, 1_048_576, "MiB").optional().describe("MiB of writable disk."),
  maxPids: integerBetween(4, 1_000_000, "processes and threads")
    .optional()
    .describe("Processes and threads at once."),
  maxOutputBytes: integerBetween(1, TIB, "bytes (1 TiB)")
    .optional()
    .describe("Bytes one exec may write to stdout and stderr together before it ends with `output_limit`."),
  timeoutMs: durationMs("an unlimited lifetime").optional().describe("Lifetime; 0 is unlimited."),
  idleTimeoutMs: durationMs("never idle")
    .optional()
    .describe("How long without a call until `onIdle`; 0 is never."),
  onIdle: onIdle.optional().describe("Paused ones resume with the next call."),
  env: environment
    .optional()
    .describe("Environment of everything that runs in it, `OTEL_EXPORTER_OTLP_*` left out."),
  metadata: metadata.optional().describe("Pairs of your own, returned as given."),
  isolation: Isolation.optional(),
  record: record.optional().describe('"metadata" keeps code, commands, output and paths out of the record.'),
  otelExport: z
    .boolean()
    .optional()
    .describe(
      "Its telemetry goes to your own endpoint too, which `OTEL_EXPORTER_OTLP_ENDPOINT` in `env` names. Default: where one is named.",
    ),
  instrument: z
    .boolean()
    .optional()
    .describe("Programs inside report spans of themselves, without a change to their code."),
  logs: z
    .boolean()
    .optional()
    .describe(
      'Lines of stdout and stderr become OpenTelemetry log records too, up to 1,000 and 1 MiB a second. Not beside `record: "metadata"`.',
    ),
  network: NetworkOptions.optional().describe("What it may reach. Default: the template's, else nothing."),
  runId: runId.optional().describe("The agent run it belongs to."),
});

export const SandboxLimits = z.object({
  vcpu: z.number(),
  memoryMb: z.int(),
  diskMb: z.int(),
  maxPids: z.int(),
  maxOpenFiles: z.int(),
  maxOutputBytes: z.int(),
  maxConcurrentExecs: z.int(),
  timeoutMs: z.int(),
  idleTimeoutMs: z.int(),
});

export const UnenforcedLimit = z.object({ limit: z.keyof(SandboxLimits), reason: z.string() });

const counts = z.record(z.string(), z.number());

export const SandboxTelemetry = z
  .object({
    acceptedItems: z.number(),
    acceptedBytes: z.number(),
    refusedRequests: counts,
    rejectedItems: counts,
  })
  .describe("What the sandbox has sent with OpenTelemetry, and what of it was not taken, by reason.");

export const SandboxInfo = z.object({
  id: z.string(),
  parentId: z.string().optional(),
  state: SandboxState,
  template: z.string(),
  source: SandboxSource,
  isolation: Isolation,
  limits: SandboxLimits,
  unenforced: z.array(UnenforcedLimit),
  onIdle,
  record,
  otelExport: z.boolean(),
  instrument: z.boolean(),
  logs: z.boolean(),
  network: NetworkOptions,
  metadata: z.record(z.string(), z.string()),
  runId: z.string(),
  traceId: z.string(),
  createdAt: z.string(),
  createMs: z.number(),
  telemetry: SandboxTelemetry.optional(),
  endedAt: z.string().optional(),
  cause: Cause.optional(),
  reason: z.string().optional(),
});

export const SandboxPage = z.object({ items: z.array(SandboxInfo), nextCursor: z.string().optional() });

/** Newest first. */
export const ListSandboxesQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  state: SandboxState.optional(),
  runId: runId.optional(),
  /** True: ended ones too. */
  ended: queryBoolean.default(false),
});
export type ListSandboxesQuery = z.output<typeof ListSandboxesQuery>;

export const PageQuery = strictObject({ limit: pageLimit, cursor: cursor.optional() });
export type PageQuery = z.output<typeof PageQuery>;
