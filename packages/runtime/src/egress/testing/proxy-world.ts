import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { EgressOptions } from "@sandglass/protocol";
import type { ProxyReport } from "../egress-messages.ts";
import { egressPolicy, type OwnerRefusal } from "../egress-policy.ts";
import { PROXY_LIMITS, type ProxyLimits } from "../proxy-limits.ts";
import type { Resolve } from "../resolve-target.ts";
import { SandboxProxy } from "../sandbox-proxy.ts";
import type { UpstreamProxy } from "../upstream-proxy.ts";

type Said<Kind> = Extract<ProxyReport, { kind: Kind }>;

/** A proxy in this process on a port of this machine, what it reports, and servers to reach through it. */
export class ProxyWorld implements AsyncDisposable {
  readonly reports: ProxyReport[] = [];
  readonly #proxies: { proxy: SandboxProxy; server: Server }[] = [];
  readonly #servers: Server[] = [];
  readonly #clients: Socket[] = [];
  /** How many were asked about. */
  requests = 0;

  /** @returns the port of a proxy with this policy */
  async proxy(
    options: EgressOptions,
    more: {
      limits?: Partial<ProxyLimits>;
      resolve?: Resolve;
      owned?: Promise<OwnerRefusal | undefined>;
      upstream?: UpstreamProxy;
    } = {},
  ): Promise<number> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const { _handle: handle } = server as unknown as { _handle: object };
    const proxy = new SandboxProxy(
      {
        sandboxId: "sbx_test",
        policy: egressPolicy(options, true),
        own: () => ({ request: ++this.requests, owned: more.owned ?? Promise.resolve(undefined) }),
        report: (report) => this.reports.push(report),
        limits: { ...PROXY_LIMITS, ...more.limits },
        ...(more.resolve && { resolve: more.resolve }),
        upstream: more.upstream,
      },
      handle,
    );
    this.#proxies.push({ proxy, server });
    return port;
  }

  /** @returns the port of an HTTP server */
  async http(listener: RequestListener): Promise<number> {
    return this.#listen(createHttpServer(listener));
  }

  /** @returns the port of a TCP server */
  async tcp(listener: (socket: Socket) => void): Promise<number> {
    return this.#listen(
      createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => {});
        listener(socket);
      }),
    );
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  }

  client(port: number): Socket {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    this.#clients.push(socket);
    return socket;
  }

  /** Sends these bytes and reads the answer to its end. */
  async raw(port: number, bytes: string | Buffer): Promise<string> {
    const socket = this.client(port);
    socket.write(bytes);
    return text(socket).catch((error: Error) => error.message);
  }

  said<Kind extends ProxyReport["kind"]>(kind: Kind): Said<Kind>[] {
    return this.reports.filter((report): report is Said<Kind> => report.kind === kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy();
    await Promise.all(this.#proxies.map(({ proxy }) => proxy.close()));
    for (const server of this.#servers) {
      (server as { closeAllConnections?(): void }).closeAllConnections?.();
      server.close();
    }
  }
}
