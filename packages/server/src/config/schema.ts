import { CreateSandboxRequest, NetworkOptions } from "@sandglass/protocol/schemas";
import { z } from "zod";
import { collectorSchema, otelExportSchema } from "./collector-schema.ts";
import { limitsSchema, tlsSchema, trustedProxySchema } from "./network-schema.ts";
import type { ObservabilityOptions } from "./observability-options.ts";
import { observabilitySchema } from "./observability-schema.ts";
import { statusSchema } from "./status-schema.ts";

/** Bytes kept of the event log, and of execs' output, before the oldest goes. */
const DEFAULT_RETENTION_BYTES = 2 * 1024 ** 3;
const DEFAULT_STORE_BYTES = 1024 ** 3;
const DEFAULT_JSON_BODY_BYTES = 16 * 1024 ** 2;
/** Far more than any request of ours has, far less than what code that walks a body by recursion can take. */
const DEFAULT_JSON_DEPTH = 100;
/** Below this a key can be guessed: 16 characters of a 64-letter alphabet are 96 bits. */
const MIN_KEY_LENGTH = 16;
const DAY_MS = 86_400_000;
/** Below this, sampling many sandboxes would be a load of its own. */
const MIN_METRICS_INTERVAL_MS = 100;

const KEY_FORM = /^(?:([A-Za-z0-9_-]+):)?([A-Za-z0-9_.~+/=-]+)(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?$/;

const orgId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

/** A secret given by the name of the environment variable that holds it. */
const secretReference = z.strictObject({ env: z.string().min(1) });

const count = z.int().min(0);
const positive = z.int().min(1);
const port = z.int().min(0).max(65_535);

/** What the API lets a sandbox ask for, so that no default is what nobody may ask for. */
const ofSandboxes = CreateSandboxRequest.shape;

const templateSchema = z.strictObject({
  base: z.enum(["python", "node", "bash"]).optional(),
  mounts: z
    .array(z.strictObject({ source: z.string().startsWith("/"), target: z.string().startsWith("/") }))
    .optional(),
  env: z.record(z.string(), z.string()).optional(),
  warmup: z.string().optional(),
  warm: z.array(z.enum(["python", "javascript", "bash"])).optional(),
  poolSize: count.optional(),
  vcpu: ofSandboxes.vcpu,
  memoryMb: ofSandboxes.memoryMb,
  diskMb: ofSandboxes.diskMb,
  maxPids: ofSandboxes.maxPids,
  isolation: z.enum(["bubblewrap", "crun", "gvisor"]).optional(),
  instrument: z.boolean().optional(),
  logs: z.boolean().optional(),
  network: NetworkOptions.optional(),
});

/**
 * Every option of the daemon: the one place that names it, checks it and says what it is.
 * Units are in the names; a description ends up in `sandglass serve --help`.
 */
export const configSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on"),
  port: port.default(7070).describe("Port to listen on; 0 takes a free one"),
  dataDir: z.string().min(1).optional().describe("Directory of the record, keys and sandboxes"),
  apiKeys: z
    .array(z.union([z.string(), secretReference]))
    .default([])
    .describe("API keys, each `key`, `name:key`, `key@org` or `name:key@org`")
    .meta({ isSecret: true }),
  allowedHosts: z
    .array(z.string().min(1))
    .default([])
    .describe("Host names that requests may be addressed to; `*` is any"),
  trustedProxies: z
    .array(trustedProxySchema)
    .default([])
    .describe("Addresses or networks whose X-Forwarded-For is believed"),
  tls: tlsSchema,
  limits: limitsSchema,
  durability: z
    .enum(["process", "power"])
    .default("process")
    .describe("What an acknowledged event survives: a crash of the process, or the loss of power"),
  retention: z
    .strictObject({
      maxBytes: z
        .int()
        .min(1024 ** 2)
        .default(DEFAULT_RETENTION_BYTES)
        .describe("Size of the event log before its oldest segments go"),
      outputBytes: z
        .int()
        .min(1024 ** 2)
        .default(DEFAULT_RETENTION_BYTES)
        .describe("Size of the kept output of execs before the oldest goes"),
      maxAgeMs: positive.optional().describe("Age of events before they go; unlimited where absent"),
    })
    .prefault({}),
  store: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe("Keep the database that runs are looked up in; it is filled from the event log"),
      maxBytes: z
        .int()
        .min(1024 ** 2)
        .default(DEFAULT_STORE_BYTES)
        .describe("Size of that database before its oldest events go"),
      maxAgeMs: positive
        .optional()
        .describe("Age of what is in that database before it goes; retention.maxAgeMs where absent"),
    })
    .prefault({}),
  console: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Serve the web console at /console/"),
    })
    .prefault({}),
  recording: z.boolean().default(true).describe("Keep events and output; off only to measure what it costs"),
  observability: observabilitySchema
    .default({ exporters: [] })
    .describe(
      "Where events are delivered to, as JSON: `{provider, config}` or `{exporters: [{provider, config}]}`",
    )
    .meta({ isSecret: true }),
  logFormat: z.enum(["text", "json"]).default("text").describe("Form of the log lines on stdout"),
  log: z.string().default("info").describe("Log directives, e.g. `info,http=warn,sandbox.exec=debug`"),
  metricsIntervalMs: z
    .int()
    .min(0)
    .max(DAY_MS)
    .refine((value) => value === 0 || value >= MIN_METRICS_INTERVAL_MS, {
      error: `must be 0 or at least ${MIN_METRICS_INTERVAL_MS}`,
    })
    .default(10_000)
    .describe(
      "Time between two samples of a sandbox's resources; 0 takes only those at its start and its end",
    ),
  selfMetrics: z
    .boolean()
    .default(true)
    .describe("Send the daemon's own metrics where otel exporters send metrics, each metricsIntervalMs"),
  costRates: z
    .strictObject({
      cpuHourUsd: z.number().min(0).default(0).describe("US dollars for an hour of one processor, as used"),
      memoryGbHourUsd: z
        .number()
        .min(0)
        .default(0)
        .describe("US dollars for an hour of one GiB of memory, as given"),
    })
    .prefault({}),
  status: statusSchema,
  collector: collectorSchema,
  otelExport: otelExportSchema,
  otlpListen: z
    .boolean()
    .default(false)
    .describe(
      "Also take OTLP (API key needed) on its own ports, of the address that is listened on; over TLS with tls.cert",
    ),
  otlpPort: port.default(4318).describe("Port of OTLP/HTTP with otlpListen; 0 takes a free one"),
  otlpGrpcPort: port.default(4317).describe("Port of OTLP/gRPC with otlpListen; 0 takes a free one"),
  agentSandboxListen: z
    .boolean()
    .default(false)
    .describe("Also serve the runtime API of Kubernetes' agent-sandbox, on a port of its own"),
  agentSandboxPort: port
    .default(8888)
    .describe("Port of that API with agentSandboxListen; 0 takes a free one"),
  agentSandboxOrg: orgId
    .optional()
    .describe(
      "Organisation of callers of that API without a key, on a loopback address; absent: they are refused",
    ),
  agentSandboxTemplate: z
    .string()
    .min(1)
    .default("python")
    .describe("Template of the sandboxes that callers of that API name"),
  templates: z
    .record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), templateSchema)
    .default({})
    .describe("Templates of your own, by name"),
  pool: z
    .record(z.string(), z.int().min(0).max(1000))
    .default({})
    .describe("Ready sandboxes kept, by template: `python=4`"),
  maxSandboxes: positive.default(200).describe("Sandboxes at once"),
  isolation: z
    .enum(["bubblewrap", "crun", "gvisor"])
    .default("bubblewrap")
    .describe("What keeps a sandbox in where neither it nor its template says: bubblewrap, crun or gvisor"),
  defaults: z
    .strictObject({
      vcpu: ofSandboxes.vcpu.describe("Processors of a sandbox"),
      memoryMb: ofSandboxes.memoryMb.describe("Memory of a sandbox"),
      diskMb: ofSandboxes.diskMb.describe("Disk of a sandbox"),
      maxPids: ofSandboxes.maxPids.describe("Processes of a sandbox"),
      maxOutputBytes: ofSandboxes.maxOutputBytes.describe(
        "Bytes one exec may write to stdout and stderr together",
      ),
      timeoutMs: ofSandboxes.timeoutMs.describe("Lifetime of a sandbox; 0 is unlimited"),
      idleTimeoutMs: ofSandboxes.idleTimeoutMs.describe("Time without a call before `onIdle`; 0 is never"),
      onIdle: z.enum(["pause", "terminate"]).optional().describe("What happens to an idle sandbox"),
    })
    .prefault({}),
  bodyLimits: z
    .strictObject({
      jsonBytes: z.int().min(1024).default(DEFAULT_JSON_BODY_BYTES).describe("Largest JSON request body"),
      jsonDepth: z
        .int()
        .min(16)
        .max(1000)
        .default(DEFAULT_JSON_DEPTH)
        .describe("Objects and lists that a JSON request body may have inside each other"),
    })
    .prefault({}),
  egress: z
    .strictObject({
      upstreamProxy: z
        .union([z.string().min(1), secretReference])
        .optional()
        .describe(
          "Proxy that sandboxes' destinations are reached through: `http://user:password@host:3128`; in a file also `{env: NAME}`",
        )
        .meta({ isSecret: true }),
    })
    .prefault({}),
  shutdownTimeoutMs: z.int().min(100).default(10_000).describe("Time a stop may take before it is forced"),
});

/** What a configuration file or the constructor may give. */
export interface SandglassOptions<Provider extends string = string>
  extends Omit<z.input<typeof configSchema>, "observability"> {
  /** Where events are delivered to. The default is nowhere: the record stays on this machine. */
  observability?: ObservabilityOptions<Provider>;
}
/** Checked, with every default filled in; `dataDir` absolute. */
export type SandglassConfig = Omit<z.output<typeof configSchema>, "dataDir" | "apiKeys"> & {
  dataDir: string;
  apiKeys: ConfiguredKey[];
};

/** An API key given by configuration. */
export interface ConfiguredKey {
  name: string;
  orgId: string;
  /** Never leaves the process. */
  secret: string;
}

/**
 * Takes apart one entry of `apiKeys`.
 *
 * @throws Error whose message never holds the entry itself
 */
export function parseConfiguredKey(
  entry: string | { env: string },
  index: number,
  env: Readonly<Record<string, string | undefined>>,
): ConfiguredKey {
  const text = typeof entry === "string" ? entry : env[entry.env];
  if (text === undefined) {
    throw new Error(
      `entry ${index + 1} names ${(entry as { env: string }).env}, which is not in the environment`,
    );
  }
  const match = KEY_FORM.exec(text.trim());
  if (match === null) throw new Error(`entry ${index + 1} is none of key, name:key, key@org, name:key@org`);
  const [, name = `configured-${index + 1}`, secret = "", orgId = "default"] = match;
  if (secret.length < MIN_KEY_LENGTH) {
    throw new Error(
      `entry ${index + 1} is shorter than ${MIN_KEY_LENGTH} characters; make one with: openssl rand -hex 32`,
    );
  }
  return { name, orgId, secret };
}
