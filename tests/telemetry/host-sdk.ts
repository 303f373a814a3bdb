import { createRequire } from "node:module";

interface HostSpan {
  spanContext(): { traceId: string; spanId: string };
  end(): void;
}
interface Api {
  trace: {
    setGlobalTracerProvider(provider: object): boolean;
    getTracer(name: string): {
      startActiveSpan<T>(name: string, work: (span: HostSpan) => Promise<T>): Promise<T>;
    };
    disable(): void;
  };
  context: { setGlobalContextManager(manager: object): boolean; disable(): void };
}
interface Provider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}
type Constructor<T> = new (options?: object) => T;

/** The copies that the client itself sees: the API's registry is one for all of a version. */
export const loadBesideClient: (name: string) => unknown = createRequire(import.meta.resolve("sandglass"));

/** OpenTelemetry's own SDK registered in this process, as a program that uses the client does it. */
export class HostSdk implements AsyncDisposable {
  readonly #api = loadBesideClient("@opentelemetry/api") as Api;
  readonly #provider: Provider;

  /** @param url of an OTLP/HTTP endpoint, without the path of a signal */
  constructor(url: string) {
    const { AsyncLocalStorageContextManager } = loadBesideClient("@opentelemetry/context-async-hooks") as {
      AsyncLocalStorageContextManager: Constructor<object>;
    };
    const { OTLPTraceExporter } = loadBesideClient("@opentelemetry/exporter-trace-otlp-proto") as {
      OTLPTraceExporter: Constructor<object>;
    };
    const { TracerProvider, BatchSpanProcessor } = loadBesideClient("@opentelemetry/sdk-trace") as {
      TracerProvider: Constructor<Provider>;
      BatchSpanProcessor: Constructor<object>;
    };
    const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
    this.#provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    this.#api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    this.#api.trace.setGlobalTracerProvider(this.#provider);
  }

  /** Runs this below a root span; resolves with what it returns and the span's ids. */
  async inSpan<T>(
    name: string,
    work: () => Promise<T>,
  ): Promise<{ value: T; traceId: string; spanId: string }> {
    return this.#api.trace.getTracer("test").startActiveSpan(name, async (span) => {
      try {
        return { value: await work(), ...span.spanContext() };
      } finally {
        span.end();
      }
    });
  }

  flush(): Promise<void> {
    return this.#provider.forceFlush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api.context.disable();
    this.#api.trace.disable();
    await this.#provider.shutdown();
  }
}
