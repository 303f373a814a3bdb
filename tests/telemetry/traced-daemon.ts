import { type StartDaemonOptions, startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import { installedSet, Mountable } from "./sandbox-packages.ts";

const INSIDE = new URL("inside", import.meta.url).pathname;

/** Tests wait for what a person would not. */
const SOON = { scheduleDelayMs: 20 };

export interface TracedDaemonOptions extends Pick<StartDaemonOptions, "args"> {
  /** Beside `plain`: what a template has over one with OpenTelemetry for Python and the modules of `inside/`. */
  templates?: Readonly<Record<string, object>>;
  /** Further destinations. */
  exporters?: readonly object[];
}

/** A daemon whose events and telemetry go to one sink, and sandboxes that have OpenTelemetry for Python. */
export class TracedDaemon implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly sink: OtlpSink;
  readonly #disposables: AsyncDisposableStack;

  private constructor(daemon: TestDaemon, client: Client, sink: OtlpSink, disposables: AsyncDisposableStack) {
    this.daemon = daemon;
    this.client = client;
    this.sink = sink;
    this.#disposables = disposables;
  }

  static async start({
    templates = {},
    exporters = [],
    args,
  }: TracedDaemonOptions = {}): Promise<TracedDaemon> {
    await using disposables = new AsyncDisposableStack();
    const packages = await installedSet("python");
    const mountable = disposables.use(new Mountable());
    const plain = {
      base: "python",
      mounts: [
        { source: await mountable.of(packages), target: "/opt/otel" },
        { source: await mountable.of(INSIDE), target: "/opt/inside" },
      ],
      env: { PYTHONPATH: "/opt/otel:/opt/inside" },
    };
    const all = Object.entries({ plain: {}, ...templates }).map(([name, over]) => [
      name,
      { ...plain, ...over },
    ]);
    const sink = disposables.use(await OtlpSink.start());
    const observability = {
      exporters: [{ provider: "otel", config: { endpoint: sink.url, batchConfig: SOON } }, ...exporters],
    };
    const daemon = disposables.use(
      await startDaemon({
        ...(args && { args }),
        env: {
          SANDGLASS_TEMPLATES: JSON.stringify(Object.fromEntries(all)),
          SANDGLASS_OBSERVABILITY: JSON.stringify(observability),
        },
      }),
    );
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey, sdkOtelEnabled: false });
    disposables.defer(() => client.close());
    return new TracedDaemon(daemon, client, sink, disposables.move());
  }

  /** Resolves when all that happened is at its destinations. */
  async delivered(): Promise<void> {
    const { dropped, pending } = await this.client.exporters.flush({ timeoutMs: 60_000 });
    if (dropped + pending > 0) throw new Error(`${pending} are not delivered, ${dropped} were dropped`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposables.disposeAsync();
  }
}
