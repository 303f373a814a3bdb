import { isLoopback } from "../auth.ts";
import { ConfigError, type SandglassConfig } from "../config.ts";
import { Listener, type ListenerOptions } from "../http/listener.ts";
import type { RequestEvents } from "../http/request-events.ts";
import type { RequestRecord } from "../http/request-record.ts";
import { AgentSandboxApi, type AgentSandboxServices } from "./agent-sandbox-api.ts";

type Options = Pick<
  SandglassConfig,
  "host" | "agentSandboxListen" | "agentSandboxPort" | "agentSandboxOrg" | "agentSandboxTemplate"
>;

/**
 * The port of the agent-sandbox API, where the configuration asks for one. It listens before the daemon is ready; requests wait until
 * {@link serve}.
 */
export class AgentSandbox {
  /** E.g. `http://127.0.0.1:8888`: what callers give as their router's address. */
  readonly url: string;
  readonly #listener: Listener;
  readonly #options: Options;

  private constructor(listener: Listener, options: Options) {
    this.#listener = listener;
    this.#options = options;
    this.url = listener.baseUrl(options.host);
  }

  /** @throws ConfigError where it would be open to other machines, or its port is taken */
  static async listen(options: Options, listener: ListenerOptions): Promise<AgentSandbox | undefined> {
    const { host, agentSandboxListen, agentSandboxPort: port, agentSandboxOrg } = options;
    if (!agentSandboxListen) return undefined;
    if (agentSandboxOrg !== undefined && !isLoopback(host)) {
      throw new ConfigError(
        `refusing to serve the agent-sandbox API without keys on ${host}, which other machines can reach; leave agentSandboxOrg out, or listen on 127.0.0.1`,
      );
    }
    try {
      return new AgentSandbox(await Listener.listen(host, port, listener), options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      throw new ConfigError(
        `the agent-sandbox API cannot be served on port ${port} of ${host}: another program listens there; set agentSandboxPort to another (0 takes a free one), or leave agentSandboxListen off`,
      );
    }
  }

  serve(
    services: Omit<AgentSandboxServices, "template" | "keylessOrg">,
    requests: Pick<RequestEvents, "watch">,
    onRequest: (record: RequestRecord) => void,
  ): void {
    const { agentSandboxTemplate: template, agentSandboxOrg: keylessOrg } = this.#options;
    const api = new AgentSandboxApi({ ...services, template, keylessOrg });
    this.#listener.serve(
      (request, response) => api.serve(request, response),
      (record, request, response) => {
        AgentSandboxApi.conceal(record);
        onRequest(record);
        requests.watch(record, request, response);
      },
    );
  }

  renew(tls: Parameters<Listener["renew"]>[0]): void {
    this.#listener.renew(tls);
  }

  stopAccepting(): void {
    this.#listener.stopAccepting();
  }

  close(): void {
    this.#listener.close();
  }
}
