import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import type { OtlpHttpServer } from "../otlp/receiver/http-server.ts";
import type { ClientTenants } from "./client-tenants.ts";
import type { CollectorSettings } from "./messages.ts";
import { refuseWithoutKey } from "./refuse-without-key.ts";

/** The longest path that a Unix socket can have. */
const MAX_SOCKET_PATH = 107;
/** Headers that trickle in are given up. */
const HEADERS_TIMEOUT_MS = 20_000;

export interface ClientPortsParts {
  settings: CollectorSettings;
  http: OtlpHttpServer;
  grpc: OtlpGrpcServer;
  tenants: ClientTenants;
}

/**
 * Where programs of the host send to: a Unix socket for the daemon, which passes on what comes to its own port with a key that it
 * knows, and, where that was asked for, ports of OTLP's own.
 */
export class ClientPorts {
  readonly socketPath: string;
  /** `127.0.0.1:4318` */
  readonly listening: { http: string; grpc: string } | undefined;
  readonly #servers: readonly Server[];

  private constructor(servers: readonly Server[], socketPath: string, ports: readonly Server[]) {
    this.#servers = servers;
    this.socketPath = socketPath;
    const [http, grpc] = ports.map(addressOf);
    if (http !== undefined && grpc !== undefined) this.listening = { http, grpc };
  }

  /** @throws Error where a port is taken */
  static async open({ settings, http, grpc, tenants }: ClientPortsParts): Promise<ClientPorts> {
    const socketPath = await socketPathOf(settings.dataDir);
    const servers: Server[] = [];
    try {
      const passedOn = createHttpServer(OPTIONS, (request, response) => {
        // Only the daemon can connect here, and it has looked at the key.
        const orgId = decodeURIComponent(String(request.headers["x-sandglass-org"] ?? ""));
        http.handle(request, response, tenants.of(orgId), request.url ?? "");
      });
      servers.push(passedOn);
      await listening(passedOn.listen(socketPath));
      await chmod(socketPath, 0o600);
      const ports: Server[] = [];
      if (settings.listen !== undefined) {
        const { httpPort, grpcPort } = settings.listen;
        const host = settings.listen.host.replace(/^\[|\]$/g, "");
        const withKey = createHttpServer(OPTIONS, (request, response) => {
          void serveWithKey(request, response, http, tenants);
        });
        const calls = createServer({ noDelay: true }, (socket) => {
          grpc.serveCalls(socket, (headers) => tenants.authorize(headers.authorization));
        });
        ports.push(withKey, calls);
        servers.push(...ports);
        await listening(withKey.listen(httpPort, host));
        await listening(calls.listen(grpcPort, host));
      }
      return new ClientPorts(servers, socketPath, ports);
    } catch (error) {
      for (const server of servers) server.close();
      throw error;
    }
  }

  /** Takes no more connections. */
  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      (server as { closeIdleConnections?(): void }).closeIdleConnections?.();
    }
    await rm(this.socketPath, { force: true });
  }
}

const OPTIONS = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, noDelay: true } as const;

async function serveWithKey(
  request: IncomingMessage,
  response: ServerResponse,
  http: OtlpHttpServer,
  tenants: ClientTenants,
): Promise<void> {
  const tenant = await tenants.authorize(request.headers.authorization);
  if (tenant !== undefined) return http.handle(request, response, tenant, request.url ?? "");
  refuseWithoutKey(request, response);
}

/** In the data directory; where that is too deep for a socket, in a directory of its own that nobody else may enter. */
async function socketPathOf(dataDir: string): Promise<string> {
  const path = join(dataDir, "telemetry", "otlp.sock");
  const isShort = Buffer.byteLength(path) <= MAX_SOCKET_PATH;
  const chosen = isShort ? path : join(await mkdtemp(join(tmpdir(), "sandglass-")), "otlp.sock");
  // Of a process that was killed.
  await rm(chosen, { force: true });
  return chosen;
}

async function listening(server: Server): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", resolve);
  await promise;
  server.off("error", reject);
  server.on("error", () => undefined); // of one connection that could not be taken; the next may be
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
