import type { RuntimeApi } from "@sandglass/runtime";
import type { Collector, Recorder } from "@sandglass/telemetry";
import type { LoadedConfig } from "../../config.ts";
import type { ConsoleSessions } from "../../console/sessions.ts";
import type { Deletions } from "../../deletion/deletions.ts";
import type { ExporterAccess } from "../../exporters/exporter-access.ts";
import type { Observability } from "../../exporters/observability.ts";
import type { Keyring } from "../../keys.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { Runs } from "../../runs.ts";
import type { Status } from "../../status/status.ts";
import type { Store } from "../../store/store.ts";

/** What the handlers work with. */
export interface HandlerServices {
  runtime: RuntimeApi;
  recorder: Recorder;
  runs: Runs;
  deletions: Deletions;
  /** Undefined where it is switched off. */
  store?: Store | undefined;
  /** Undefined where it is switched off. */
  status?: Status | undefined;
  keyring: Keyring;
  metrics: Metrics;
  observability: Observability;
  /** Undefined where no telemetry is taken. */
  collector?: Collector | undefined;
  exporters: ExporterAccess;
  sessions: ConsoleSessions;
  /** In force now: it may be read again while the daemon runs. */
  loaded: LoadedConfig;
  /** Fires when the daemon takes no more work. */
  stopping: AbortSignal;
}
