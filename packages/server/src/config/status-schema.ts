import { z } from "zod";

const MIN_INTERVAL_MS = 1_000;

const interval = z.int().min(MIN_INTERVAL_MS).max(86_400_000);
const name = z
  .string()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, { error: "must not contain control characters" });
/** A value, or the name of the environment variable that holds it. */
const secret = z.union([z.string(), z.strictObject({ env: z.string().min(1) })]);
const status = z.int().min(100).max(599);

const httpCheck = z.strictObject({
  type: z.literal("http"),
  name,
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  method: z.enum(["GET", "HEAD"]).default("GET"),
  /** Default: 200 to 299. */
  expectedStatus: z.union([status, z.array(status).min(1)]).optional(),
  headers: z.record(z.string(), secret).default({}),
  intervalMs: interval.default(60_000),
  timeoutMs: z.int().min(100).max(60_000).default(10_000),
});

const otlpCheck = z.strictObject({
  type: z.literal("otlp"),
  name,
  /** `service.name` of whose telemetry has to come. */
  service: z.string().min(1),
  /** `name=value`, which it has to have, too. */
  attribute: z
    .string()
    .regex(/^[^=]+=.*$/, { error: "must be name=value" })
    .optional(),
  /** Whose key it comes with. */
  org: z.string().default("default"),
  /** How old the newest may be. */
  withinMs: z.int().min(1_000),
  intervalMs: interval.default(60_000),
});

/** A check of the operator's own. */
export const statusCheckSchema = z.discriminatedUnion("type", [httpCheck, otlpCheck]);
export type StatusCheck = z.output<typeof statusCheckSchema>;
export type HttpStatusCheck = z.output<typeof httpCheck>;
export type OtlpStatusCheck = z.output<typeof otlpCheck>;

const componentSchema = z.strictObject({
  name: name.optional(),
  group: name.optional(),
  hidden: z.boolean().optional(),
});

/** As JSON in a flag or a variable: what is in it is more than one value. */
function asJson<T extends z.ZodType>(schema: T): z.ZodPipe<z.ZodUnknown, T> {
  return z.pipe(z.unknown(), schema);
}

/** The status page, and what it looks at. */
export const statusSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Watch the service, and say at /status how it is"),
    title: z.string().min(1).max(100).default("Sandglass").describe("Name of the service on its status page"),
    url: z
      .url({ protocol: /^https?$/, error: "must be an http or https URL" })
      .optional()
      .describe("Address that the status page is known by, for links in feeds; absent: that of the request"),
    intervalMs: interval
      .default(30_000)
      .describe("Time between two looks at the API, pool, log, store and exporters"),
    failuresToOpen: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe("Failed probes in a row that open an incident"),
    successesToResolve: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe("Successful probes in a row that resolve it"),
    canary: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe("Run real code in a new sandbox of each template, again and again"),
        intervalMs: interval.default(30_000).describe("Time between two canaries of a template"),
        timeoutMs: z
          .int()
          .min(100)
          .max(300_000)
          .default(10_000)
          .describe("Time a canary has for create, run and destroy"),
        templates: z
          .array(z.string().min(1))
          .optional()
          .describe(
            "Templates that canaries run in; absent: python, those of your own and those with a pool",
          ),
      })
      .prefault({}),
    checks: asJson(z.array(statusCheckSchema))
      .default([])
      .describe(
        "Checks of your own, as JSON: `[{type: http, name, url}, {type: otlp, name, service, withinMs}]`",
      )
      .meta({ isSecret: true }),
    subscriptions: z
      .strictObject({
        smtp: secret
          .optional()
          .describe(
            "Mail server that subscribers are told through, as `smtp://user:password@host:587` or `smtps://…`; in a file also `{env: NAME}`. Absent: nobody subscribes by mail",
          )
          .meta({ isSecret: true }),
        from: z
          .string()
          .min(3)
          .max(320)
          .regex(/^[^\p{Cc}]*@[^\p{Cc}]*$/u, { error: "must be an e-mail address, with a name or without" })
          .optional()
          .describe("Sender of that mail: `Acme status <status@acme.example>`"),
        webhooks: z
          .boolean()
          .default(false)
          .describe("Let anybody subscribe by a webhook on a public address"),
      })
      .prefault({}),
    components: asJson(z.record(z.string(), componentSchema))
      .default({})
      .describe("How components are shown, as JSON, by id: `{store: {name, group, hidden}}`"),
  })
  .prefault({});

export type StatusConfig = z.output<typeof statusSchema>;
