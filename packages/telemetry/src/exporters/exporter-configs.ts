import type { axiom } from "./axiom.ts";
import type { consoleExporter } from "./console.ts";
import type { ExporterDefinition } from "./definition.ts";
import type { jsonl } from "./jsonl.ts";
import type { otel } from "./otel.ts";
import type { postgres } from "./postgres.ts";
import type { webhook } from "./webhook.ts";

type ConfigOf<Definition> =
  Definition extends ExporterDefinition<infer Schema> ? Schema["_zod"]["input"] : never;

export type AxiomConfig = ConfigOf<typeof axiom>;
export type OtelConfig = ConfigOf<typeof otel>;
export type JsonlConfig = ConfigOf<typeof jsonl>;
export type PostgresConfig = ConfigOf<typeof postgres>;
export type ConsoleConfig = ConfigOf<typeof consoleExporter>;
export type WebhookConfig = ConfigOf<typeof webhook>;

/** What `config` of each of our providers may hold. */
export interface ExporterConfigs {
  axiom: AxiomConfig;
  otel: OtelConfig;
  jsonl: JsonlConfig;
  postgres: PostgresConfig;
  console: ConsoleConfig;
  webhook: WebhookConfig;
}
