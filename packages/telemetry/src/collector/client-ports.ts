import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import type { OtlpHttpServer } from "../otlp/receiver/http-server.ts";
import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import { ClientConnections } from "./client-connections.ts";
import type { ClientTenants } from "./client-tenants.ts";
import type { CollectorSettings, PortIdentity } from "./messages.ts";
import { refuseRequest } from "./refuse-request.ts";
import { refuseWithoutKey } from "./refuse-without-key.ts";

/** The longest path that a Unix socket can have. */
const MAX_SOCKET_PATH = 107;
/** Headers that trickle in are given up, and connections that nothing comes over. */
const HEADERS_TIMEOUT_MS = 5_000;
/** A handshake is a few packets. */
const TLS_HANDSHAKE_MS = 5_000;
/** How often that is looked at. */
const CHECK_MS = 1_000;
/** Connections of one port at once. */
const MAX_CONNECTIONS = 1_000;
/** When whoever has too many connections is to come again. */
const RETRY_MS = 1_000;

export interface ClientPortsParts {
  settings: CollectorSettings;
  http: OtlpHttpServer;
  grpc: OtlpGrpcServer;
  tenants: ClientTenants;
  intake: RequestIntake;
}

/**
 * Where programs of the host send to: a Unix socket for the daemon, which passes on what comes to its own port with a key that it
 * knows, and, where that was asked for, ports of OTLP's own, over TLS where there is a certificate.
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

  /** @throws Error where a port is taken, with the option to change */
  static async open({ settings, http, grpc, tenants, intake }: ClientPortsParts): Promise<ClientPorts> {
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
        const { httpPort, grpcPort, tls } = settings.listen;
        const host = settings.listen.host.replace(/^\[|\]$/g, "");
        const connections = new ClientConnections(intake);
        const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
          void serveWithKey(request, response, { http, tenants, connections });
        };
        const onCalls = (socket: Socket): void => {
          if (socket.destroyed) return;
          grpc.serveCalls(socket, async ({ authorization }) => {
            const tenant = await tenants.authorize(authorization);
            if (tenant === undefined || connections.admit(socket, tenant, "grpc")) return tenant;
            socket.destroy();
            return undefined;
          });
        };
        const withKey =
          tls === undefined
            ? createHttpServer(OPTIONS, onRequest)
            : createHttpsServer({ ...OPTIONS, ...TLS_OPTIONS, ...tls }, onRequest);
        const calls =
          tls === undefined
            ? createServer({ noDelay: true }, onCalls)
            : createTlsServer({ noDelay: true, ALPNProtocols: ["h2"], ...TLS_OPTIONS, ...tls }, onCalls);
        // Node leaves one open whose handshake does not come; https does not.
        calls.on("tlsClientError", (_: Error, socket: Socket) => socket.destroy());
        ports.push(withKey, calls);
        servers.push(...ports);
        // Counted before any handshake. Node's own listeners take it up as well, and drop what is destroyed by then.
        for (const port of ports) port.prependListener("connection", (socket) => connections.take(socket));
        await listeningAt(withKey, host, httpPort, "otlpPort");
        await listeningAt(calls, host, grpcPort, "otlpGrpcPort");
      }
      for (const server of servers) server.maxConnections = MAX_CONNECTIONS;
      return new ClientPorts(servers, socketPath, ports);
    } catch (error) {
      for (const server of servers) server.close();
      throw error;
    }
  }

  /** New connections are shown this certificate; those that are open go on. */
  renew(tls: PortIdentity): void {
    for (const server of this.#servers) {
      if ("setSecureContext" in server) (server as TlsServer).setSecureContext({ ...TLS_OPTIONS, ...tls });
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

const OPTIONS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  connectionsCheckingInterval: CHECK_MS,
  requestTimeout: 0,
  noDelay: true,
} as const;

const TLS_OPTIONS = { minVersion: "TLSv1.2", handshakeTimeout: TLS_HANDSHAKE_MS } as const;

async function serveWithKey(
  request: IncomingMessage,
  response: ServerResponse,
  parts: { http: OtlpHttpServer; tenants: ClientTenants; connections: ClientConnections },
): Promise<void> {
  const { http, tenants, connections } = parts;
  const tenant = await tenants.authorize(request.headers.authorization);
  if (tenant === undefined) return refuseWithoutKey(request, response);
  if (connections.admit(request.socket, tenant, "http")) {
    return http.handle(request, response, tenant, request.url ?? "");
  }
  const message = `too many connections: an organisation may have ${tenant.limits.connections}`;
  refuseRequest(request, response, { status: 429, message, retryAfterMs: RETRY_MS });
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

/** @param option names the port in the configuration */
async function listeningAt(server: Server, host: string, port: number, option: string): Promise<void> {
  try {
    await listening(server.listen(port, host));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "another program listens there" : message;
    throw new Error(
      `OTLP cannot be taken on port ${port} of ${host}: ${why}; set ${option} to another (0 takes a free one), or leave otlpListen off`,
      { cause: error },
    );
  }
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
