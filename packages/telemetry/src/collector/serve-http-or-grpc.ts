import type { Socket } from "node:net";
import type { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import type { OtlpHttpServer } from "../otlp/receiver/http-server.ts";
import { recogniseHttp2 } from "../otlp/receiver/recognise-http2.ts";
import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import type { Tenant } from "../otlp/receiver/tenant.ts";

/** How long a connection may take to begin: as long as one of HTTP may be idle. */
const BEGIN_MS = 60_000;

export interface EitherServer {
  readonly http: OtlpHttpServer;
  readonly grpc: OtlpGrpcServer;
  readonly intake: RequestIntake;
}

/**
 * Serves a connection that may speak HTTP/1, or HTTP/2 and thus gRPC. The environment of a sandbox names one endpoint, which is the port
 * of HTTP: programs whose exporter is gRPC's, whatever the environment says of a protocol, come there as well.
 *
 * It is counted as the tenant's from the first moment, and destroyed where the tenant may have no more.
 */
export function serveHttpOrGrpc(socket: Socket, tenant: Tenant, { http, grpc, intake }: EitherServer): void {
  const release = intake.connect(tenant);
  if (release === undefined) {
    socket.on("error", () => {}).destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), BEGIN_MS);
  const end = (): void => {
    clearTimeout(timer);
    release();
  };
  socket.once("close", end);
  const { allowHalfOpen } = socket;
  // A sender of HTTP may have closed its half before it is known what it speaks.
  socket.allowHalfOpen = true;
  recogniseHttp2(socket, (isHttp2) => {
    // Whoever serves it counts it.
    socket.off("close", end);
    end();
    if (isHttp2) socket.allowHalfOpen = allowHalfOpen;
    (isHttp2 ? grpc : http).serve(socket, tenant);
  });
}
