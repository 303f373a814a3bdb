import { SandglassError } from "@sandglass/protocol";
import { grantScopes, requireAdmin } from "../../auth.ts";
import { describeConfig } from "../../config.ts";
import { CONTENT_TYPES } from "../../metrics/exposition.ts";
import { negotiateFormat } from "../../metrics/negotiate-format.ts";
import { VERSION } from "../../version.ts";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { readOpenApi } from "./openapi.ts";

type HostHandlers = Pick<
  Handlers,
  "createKey" | "listKeys" | "revokeKey" | "doctor" | "healthz" | "readyz" | "openapi" | "metrics"
>;

export function hostHandlers(services: HandlerServices): HostHandlers {
  const { keyring, metrics, runtime } = services;
  const health = () => ({
    status: services.stopping.aborted ? ("stopping" as const) : ("ok" as const),
    version: VERSION,
    uptimeMs: Math.round(process.uptime() * 1000),
  });
  return {
    createKey: ({ body, caller }) => {
      const orgId = body.orgId ?? caller.orgId;
      if (orgId !== caller.orgId) requireAdmin(caller, "a key of another organisation");
      return keyring.create(body.name, orgId, grantScopes(body.scopes, orgId, caller));
    },

    listKeys: ({ caller }) => ({ items: keyring.list(caller) }),

    revokeKey: ({ params, caller }) => keyring.revoke(params.keyId ?? "", caller),

    doctor: async ({ caller }) => ({
      version: VERSION,
      checks: await runtime.checks(),
      // How the daemon is set up is its operator's business; what the host enforces concerns everybody in it.
      config: caller.scopes.includes("admin") ? describeConfig(services.loaded) : [],
    }),

    healthz: health,

    readyz: () => {
      if (!services.stopping.aborted) return health();
      throw new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
    },

    openapi: readOpenApi,

    metrics: ({ caller, accept }) => {
      requireAdmin(caller, "/metrics");
      const format = negotiateFormat(accept);
      return { text: metrics.render(services, format), contentType: CONTENT_TYPES[format] };
    },
  };
}
