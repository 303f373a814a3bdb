import { SandglassError } from "@sandglass/protocol";
import { requireOperator } from "../../auth.ts";
import { describeConfig } from "../../config.ts";
import { DEFAULT_ORG } from "../../keys.ts";
import { EXPOSITION_TYPE } from "../../metrics/exposition.ts";
import { VERSION } from "../../version.ts";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { readOpenApi } from "./openapi.ts";

type HostHandlers = Pick<
  Handlers,
  "createKey" | "listKeys" | "revokeKey" | "doctor" | "healthz" | "readyz" | "openapi" | "metrics"
>;

export function hostHandlers(services: HandlerServices): HostHandlers {
  const { keyring, loaded, metrics, runtime } = services;
  const health = () => ({
    status: services.stopping.aborted ? ("stopping" as const) : ("ok" as const),
    version: VERSION,
    uptimeMs: Math.round(process.uptime() * 1000),
  });
  return {
    createKey: ({ body, context }) => {
      const orgId = body.orgId ?? context.orgId;
      if (orgId !== context.orgId) requireOperator(context.orgId, "a key of another organisation");
      return keyring.create(body.name, orgId);
    },

    listKeys: ({ context }) => ({ items: keyring.list(context.orgId) }),

    revokeKey: ({ params, context }) => keyring.revoke(params.keyId ?? "", context.orgId),

    doctor: async ({ context }) => ({
      version: VERSION,
      checks: await runtime.checks(),
      // How the daemon is set up is its operator's business; what the host enforces concerns everybody in it.
      config: context.orgId === DEFAULT_ORG ? describeConfig(loaded) : [],
    }),

    healthz: health,

    readyz: () => {
      if (!services.stopping.aborted) return health();
      throw new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
    },

    openapi: readOpenApi,

    metrics: ({ context }) => {
      requireOperator(context.orgId, "/metrics");
      return { text: metrics.render(services), contentType: EXPOSITION_TYPE };
    },
  };
}
