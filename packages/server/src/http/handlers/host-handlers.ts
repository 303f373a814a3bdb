import { type Check, SandglassError } from "@sandglass/protocol";
import { checkUpstream } from "@sandglass/runtime";
import { grantScopes, requireOperator } from "../../auth.ts";
import { isOperator } from "../../caller.ts";
import { describeConfig } from "../../config.ts";
import { CONTENT_TYPES } from "../../metrics/exposition.ts";
import { negotiateFormat } from "../../metrics/negotiate-format.ts";
import { upstreamProxyOf } from "../../upstream-proxy.ts";
import { VERSION } from "../../version.ts";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { readOpenApi } from "./openapi.ts";

type HostHandlers = Pick<
  Handlers,
  | "createKey"
  | "listKeys"
  | "rotateKey"
  | "revokeKey"
  | "doctor"
  | "healthz"
  | "readyz"
  | "openapi"
  | "metrics"
>;

export function hostHandlers(services: HandlerServices): HostHandlers {
  const { keyring, metrics, runtime, recorder } = services;
  const health = () => ({
    status: services.stopping.aborted ? ("stopping" as const) : ("ok" as const),
    version: VERSION,
    uptimeMs: Math.round(process.uptime() * 1000),
  });
  return {
    createKey: ({ body, caller }) => {
      const orgId = body.orgId ?? caller.orgId;
      if (orgId !== caller.orgId) requireOperator(caller, "a key of another organisation");
      const { name, expiresAt } = body;
      if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) {
        throw new SandglassError("INVALID_REQUEST", "expiresAt is not in the future");
      }
      const scopes = grantScopes(body.scopes, orgId, caller);
      return keyring.create({ name, orgId, scopes, ...(expiresAt !== undefined && { expiresAt }) });
    },

    listKeys: ({ caller }) => ({ items: keyring.list(caller) }),

    rotateKey: async ({ params, body, caller, record }) => {
      const rotated = await keyring.rotate(params.keyId ?? "", body.graceMs ?? 0, caller);
      return rotated.id === record.keyId ? { ...rotated, isOwn: true } : rotated;
    },

    revokeKey: ({ params, caller }) => keyring.revoke(params.keyId ?? "", caller),

    doctor: async ({ caller }) => {
      const checks = [...(await runtime.checks()), ...recordChecks(recorder.refusal)];
      // How the daemon is set up is its operator's business; what the host enforces concerns everybody in it.
      if (!isOperator(caller)) return { version: VERSION, checks, config: [] };
      const upstream = upstreamProxyOf(services.loaded);
      const ofConfig = upstream === undefined ? [] : [await checkUpstream(upstream)];
      return { version: VERSION, checks: [...checks, ...ofConfig], config: describeConfig(services.loaded) };
    },

    healthz: health,

    readyz: () => {
      if (services.stopping.aborted) throw new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
      if (recorder.refusal === undefined) return health();
      // Anybody may ask: where the record is, is not theirs to know.
      throw new SandglassError("LOG_UNAVAILABLE", "the record cannot be written at the moment", {
        hint: "its operator finds the reason with: sandglass doctor",
      });
    },

    openapi: readOpenApi,

    metrics: ({ caller, accept }) => {
      requireOperator(caller, "/metrics");
      const format = negotiateFormat(accept);
      return { text: metrics.render(services, format), contentType: CONTENT_TYPES[format] };
    },
  };
}

function recordChecks(refusal: Error | undefined): Check[] {
  if (refusal === undefined) return [];
  const { code = "failed" } = refusal as NodeJS.ErrnoException;
  return [
    {
      name: "record",
      status: "error",
      detail: `the record cannot be written (${code}): nothing new is begun, and an exec that has ended says so when it can be`,
      hint: "make room on the file system of the data directory, or see to its disk",
    },
  ];
}
