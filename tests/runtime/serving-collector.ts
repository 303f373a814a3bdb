import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { SandboxCollector, SandboxSockets, TelemetryOwner } from "@sandglass/runtime";

/** What came in of one sandbox. */
export interface Collected {
  port: 4318 | 4317;
  path: string;
  body: string;
  owner: TelemetryOwner | undefined;
}

/** A collector that serves both sockets of every sandbox with HTTP, and keeps what it was told and sent. */
export class ServingCollector implements SandboxCollector {
  /** In the order they came: `attach sbx_…`, `claim …`, `detach …`. */
  readonly calls: string[] = [];
  readonly owners = new Map<string, TelemetryOwner>();
  readonly collected = new Map<string, Collected[]>();
  readonly #servers = new Map<string, Server[]>();
  /** In place of looking at the owner. */
  onCheck: ((owner: TelemetryOwner) => void) | undefined;
  /** In place of what attach, claim and detach do first. */
  onAttach: ((sandboxId: string, open: () => Promise<SandboxSockets>) => Promise<void>) | undefined;
  onClaim: ((sandboxId: string) => Promise<void>) | undefined;
  onDetach: ((sandboxId: string) => Promise<void>) | undefined;

  check(owner: TelemetryOwner): void {
    this.onCheck?.(owner);
  }

  async attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void> {
    this.calls.push(`attach ${sandboxId}`);
    await this.onAttach?.(sandboxId, open);
    const { http, grpc } = await open();
    this.collected.set(sandboxId, []);
    this.#servers.set(
      sandboxId,
      await Promise.all([this.#serve(sandboxId, 4318, http), this.#serve(sandboxId, 4317, grpc)]),
    );
  }

  async claim(sandboxId: string, owner: TelemetryOwner): Promise<void> {
    this.calls.push(`claim ${sandboxId}`);
    await this.onClaim?.(sandboxId);
    this.owners.set(sandboxId, owner);
  }

  async detach(sandboxId: string): Promise<undefined> {
    this.calls.push(`detach ${sandboxId}`);
    await this.onDetach?.(sandboxId);
    for (const server of this.#servers.get(sandboxId) ?? []) {
      server.close();
      server.closeAllConnections();
    }
    this.#servers.delete(sandboxId);
  }

  /** Ids of those that are served. */
  get attached(): string[] {
    return [...this.#servers.keys()];
  }

  async #serve(sandboxId: string, port: Collected["port"], socket: object): Promise<Server> {
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const owner = this.owners.get(sandboxId);
        this.collected.get(sandboxId)?.push({ port, path: request.url ?? "", body, owner });
        response.end("taken");
      });
    });
    await once(server.listen(socket), "listening");
    return server;
  }
}
