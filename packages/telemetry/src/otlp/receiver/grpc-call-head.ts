import type { IncomingHttpHeaders } from "node:http2";
import type { Signal } from "../model.ts";
import { GRPC_CODE, type GrpcStatus } from "./grpc-status.ts";
import { parseGrpcTimeout } from "./grpc-timeout.ts";

const PACKAGE = "/opentelemetry.proto.collector";
const METHODS: ReadonlyMap<string, Signal> = new Map([
  [`${PACKAGE}.trace.v1.TraceService/Export`, "traces"],
  [`${PACKAGE}.logs.v1.LogsService/Export`, "logs"],
  [`${PACKAGE}.metrics.v1.MetricsService/Export`, "metrics"],
]);

/** Messages in protobuf, which is what a type without a suffix means. */
const CONTENT_TYPE = /^application\/grpc(\+proto)?\s*(;|$)/i;

/** What the headers of a call say. */
export type CallHead =
  | {
      readonly kind: "call";
      readonly signal: Signal;
      /** `grpc-encoding`. What is none of ours matters only for a message that is marked as compressed. */
      readonly encoding: string;
      /** From now on. */
      readonly timeoutMs: number | undefined;
    }
  /** It is no call of gRPC: answered as HTTP, by its status. */
  | { readonly kind: "http"; readonly httpStatus: 405 | 415 }
  | { readonly kind: "refused"; readonly status: GrpcStatus };

/** Reads the headers of a call as gRPC over HTTP/2 has them ("Requests"). */
export function readCallHead(headers: IncomingHttpHeaders): CallHead {
  if (headers[":method"] !== "POST") return { kind: "http", httpStatus: 405 };
  if (!CONTENT_TYPE.test(headers["content-type"] ?? "")) return { kind: "http", httpStatus: 415 };
  const signal = METHODS.get(headers[":path"] ?? "");
  if (signal === undefined) {
    return refused(GRPC_CODE.UNIMPLEMENTED, "unknown method: this is a receiver of OTLP");
  }
  const timeout = headers["grpc-timeout"];
  const timeoutMs = timeout === undefined ? undefined : parseGrpcTimeout(String(timeout));
  if (timeout !== undefined && timeoutMs === undefined) {
    return refused(GRPC_CODE.INTERNAL, "malformed grpc-timeout");
  }
  return { kind: "call", signal, encoding: String(headers["grpc-encoding"] ?? "identity"), timeoutMs };
}

function refused(code: GrpcStatus["code"], message: string): CallHead {
  return { kind: "refused", status: { code, message } };
}
