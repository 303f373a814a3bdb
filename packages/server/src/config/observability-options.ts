import type { ExporterConfigs, ExporterFilter } from "@sandglass/telemetry";

type KnownProvider = keyof ExporterConfigs;
/** A provider of ours, or the name that one was registered under. */
export type ProviderName = KnownProvider | (string & {});

interface CommonOptions {
  /** Its name in cursors, metrics and URLs; default the provider, with a number where that is taken. */
  id?: string;
  /** Which events it gets; default all. `condition` may be a function here. */
  filter?: ExporterFilter;
  /** Where an exporter that is new begins: "earliest", "latest" or a time (ISO 8601). Default "latest". */
  startAt?: string;
  /** It is an error at start where the destination cannot be reached. Default false. */
  required?: boolean;
}

/** May be left out where nothing in it has to be given. */
type ConfigOf<Config> = object extends Config ? { config?: Config } : { config: Config };

type OptionsOf<Provider extends string> = Provider extends KnownProvider
  ? CommonOptions & { provider: Provider } & ConfigOf<ExporterConfigs[Provider]>
  : CommonOptions & { provider: Provider; config?: Record<string, unknown> };

/**
 * One exporter. The `provider` decides what `config` may be; of one that was registered, nothing is known.
 * The first half is where the compiler learns the provider's name from.
 */
type ExporterOf<Provider extends string> = { provider: Provider } & OptionsOf<Provider>;

/** Where events go: one exporter, or any number of them. */
export type ObservabilityOptions<Provider extends string = string> =
  | ExporterOf<Provider>
  | { exporters: readonly ExporterOf<Provider>[] };
