import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";

interface KeyValue {
  key: string;
  value?: { stringValue?: string };
}

interface TraceRequest {
  resourceSpans: { resource?: { attributes?: KeyValue[] } | null; scopeSpans?: { spans?: unknown[] }[] }[];
}

/** The package that carries the official `.proto` files. */
const protoDir = dirname(createRequire(import.meta.url).resolve("@elastic/mockotlpserver/package.json"));

/** The peer: the same job with protobufjs, as one would write it, by code that it generates from the official files. */
export class ProtobufjsRelay {
  readonly #request: protobuf.Type;
  readonly #resource: protobuf.Type;
  readonly #attributes: KeyValue[];
  readonly #owned: ReadonlySet<string>;

  /** @param attributes to stamp; what comes in under their keys is removed */
  constructor(attributes: Readonly<Record<string, string>>) {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(protoDir, target);
    root.loadSync("opentelemetry/proto/collector/trace/v1/trace_service.proto");
    this.#request = root.lookupType("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest");
    this.#resource = root.lookupType("opentelemetry.proto.resource.v1.Resource");
    this.#attributes = Object.entries(attributes).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    }));
    this.#owned = new Set(Object.keys(attributes));
  }

  stamp(body: Uint8Array): Uint8Array {
    const request = this.decode(body);
    for (const entry of request.resourceSpans) {
      entry.resource ??= this.#resource.create() as { attributes?: KeyValue[] };
      const kept = (entry.resource.attributes ?? []).filter(({ key }) => !this.#owned.has(key));
      entry.resource.attributes = [...this.#attributes, ...kept];
    }
    return this.#request.encode(request).finish();
  }

  decode(body: Uint8Array): TraceRequest {
    return this.#request.decode(body) as unknown as TraceRequest;
  }

  /** @param request with 64-bit integers as text */
  encode(request: object): Buffer {
    return Buffer.from(this.#request.encode(this.#request.fromObject(request)).finish());
  }
}
