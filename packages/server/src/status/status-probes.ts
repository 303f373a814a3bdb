import type { ExporterInfo, Language } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { RuntimeApi } from "@sandglass/runtime";
import type { LogStats } from "@sandglass/telemetry";
import { DEFAULT_ORG } from "../caller.ts";
import { ConfigError, type LoadedConfig } from "../config.ts";
import type { Store } from "../store/store.ts";
import { type Observation, type Probe, slug } from "./component-spec.ts";
import { lookAtApi } from "./probes/api-probe.ts";
import { canaryProbe } from "./probes/canary.ts";
import { logProbe, lookAtExporter, lookAtPool, lookAtStore } from "./probes/host-probes.ts";
import { httpCheckProbe } from "./probes/http-check.ts";
import { otlpCheckProbe } from "./probes/otlp-check.ts";

const LOOK_TIMEOUT_MS = 10_000;

/** What there is to look at. */
export interface WatchedServices {
  loaded: LoadedConfig;
  baseUrl: string;
  runtime: RuntimeApi;
  logStats: () => LogStats;
  store: Store | undefined;
  /** Of one organisation. */
  exporters: (orgId: string) => readonly ExporterInfo[];
}

type Unnamed = Omit<Probe, "isPublic">;

/** Every probe of this daemon, in the order that pages show; exporters come and go. */
export class StatusProbes {
  readonly #services: WatchedServices;
  readonly #before: readonly Unnamed[];
  readonly #behind: readonly Unnamed[];
  readonly #exporters = new Map<string, Unnamed>();

  /** @throws ConfigError for a template or a variable that is not there, and for two checks of one name */
  constructor(services: WatchedServices) {
    this.#services = services;
    const { store } = services;
    const host = (id: string, name: string, look: () => Observation): Unnamed =>
      this.#hostProbe({ id, name, group: "Platform", isCore: false }, async () => look());
    const { baseUrl, runtime, logStats } = services;
    this.#before = [
      this.#hostProbe({ id: "api", name: "API", group: "Platform", isCore: true }, (signal) =>
        lookAtApi(baseUrl, signal),
      ),
      ...this.#canaries(),
      host("pool", "Warm pool", () => lookAtPool(runtime.stats())),
      host("log", "Event log", logProbe(logStats)),
      ...(store === undefined ? [] : [host("store", "Store", () => lookAtStore(store.state()))]),
    ];
    this.#behind = this.#checks();
  }

  all(): Probe[] {
    const { components } = this.#services.loaded.config.status;
    // Those of other organisations are named by them, and theirs to show.
    const exporters = this.#services.exporters(DEFAULT_ORG).map(({ id }) => this.#exporter(id));
    return [...this.#before, ...exporters, ...this.#behind].map((probe) => {
      const { name = probe.name, group = probe.group } = components[probe.id] ?? {};
      return { ...probe, name, group, isPublic: this.isPublic(probe.id) };
    });
  }

  /** Also of a component that is gone. */
  isPublic(id: string): boolean {
    return this.#services.loaded.config.status.components[id]?.hidden !== true;
  }

  #hostProbe(about: Pick<Probe, "id" | "name" | "group" | "isCore">, look: Probe["look"]): Unnamed {
    const { intervalMs } = this.#services.loaded.config.status;
    return { ...about, intervalMs, timeoutMs: LOOK_TIMEOUT_MS, look };
  }

  #exporter(exporter: string): Unnamed {
    const kept = this.#exporters.get(exporter);
    if (kept !== undefined) return kept;
    const about = { id: `exporter-${slug(exporter)}`, name: exporter, group: "Delivery", isCore: false };
    const made = this.#hostProbe(about, async () =>
      lookAtExporter(this.#services.exporters(DEFAULT_ORG).find(({ id }) => id === exporter)),
    );
    this.#exporters.set(exporter, made);
    return made;
  }

  #canaries(): Unnamed[] {
    const { runtime, loaded } = this.#services;
    const { templates, status } = loaded.config;
    const { enabled, intervalMs, timeoutMs } = status.canary;
    if (!enabled) return [];
    const known = runtime.stats().pool;
    const pooled = Object.entries(known).filter(([name, { target }]) => target > 0 || name in templates);
    const names = status.canary.templates ?? [...new Set(["python", ...pooled.map(([name]) => name)])];
    const unknown = names.find((name) => known[name] === undefined);
    if (unknown !== undefined) {
      throw new ConfigError(`invalid option status.canary.templates: there is no template ${unknown}`);
    }
    return names.map((template) => {
      const base = templates[template]?.base ?? template;
      const language: Language = base === "node" ? "javascript" : base === "bash" ? "bash" : "python";
      return canaryProbe(runtime, { template, language, intervalMs, timeoutMs });
    });
  }

  #checks(): Unnamed[] {
    const { loaded, store } = this.#services;
    const ids = new Set<string>();
    return loaded.config.status.checks.map((check, index) => {
      const option = `status.checks[${index}]`;
      const id = slug(check.name);
      if (ids.has(id)) throw new ConfigError(`invalid option ${option}.name: another check is called that`);
      ids.add(id);
      if (check.type === "otlp") {
        if (store !== undefined) return otlpCheckProbe(check, store);
        throw new ConfigError(`invalid option ${option}: a check of telemetry needs store.enabled`);
      }
      const headers = Object.entries(check.headers).map(([name, value]) => {
        const text = typeof value === "string" ? value : loaded.env[value.env];
        if (text !== undefined) return [name, text] as const;
        const variable = (value as { env: string }).env;
        throw new ConfigError(
          `invalid option ${option}.headers: it names ${variable}, which is not in the environment`,
        );
      });
      return httpCheckProbe(check, Object.fromEntries(headers));
    });
  }
}

/** Where there is no status page. */
export function noStatus(): SandglassError {
  return new SandglassError("ROUTE_NOT_FOUND", "this daemon has no status page", {
    hint: "start it with the option status.enabled",
  });
}
