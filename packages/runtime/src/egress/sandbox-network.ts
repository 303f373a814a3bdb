import { type CreateSandboxRequest, type EgressOptions, SandglassError } from "@sandglass/protocol";
import type { Template } from "../templates.ts";
import { egressPolicy, operatorRules } from "./egress-policy.ts";
import { isHostAddress } from "./host-addresses.ts";

/** What a sandbox may reach, and whether that may be what is not public. */
export interface SandboxNetwork {
  options: EgressOptions;
  isTrusted: boolean;
}

/**
 * What a request asks for, else what its template has; undefined where that is nothing.
 *
 * @param isTrusted the caller may do what the operator may
 * @throws SandglassError INVALID_REQUEST for a rule that is none, FORBIDDEN for one that is the operator's to give
 */
export function sandboxNetwork(
  request: Pick<CreateSandboxRequest, "network">,
  template: Pick<Template, "network">,
  isTrusted: boolean,
): SandboxNetwork | undefined {
  if (request.network === undefined) {
    const options = template.network?.egress;
    return options && { options, isTrusted: true };
  }
  const options = request.network.egress;
  if (options === undefined) return undefined;
  try {
    egressPolicy(options, isTrusted);
  } catch (error) {
    throw new SandglassError("INVALID_REQUEST", `network.egress: ${(error as Error).message}`);
  }
  const [rule] = isTrusted ? [] : operatorRules(options, isHostAddress);
  if (rule === undefined) return { options, isTrusted };
  throw new SandglassError(
    "FORBIDDEN",
    `network.egress.allow: ${rule} is not public, which keys with the scope "admin" may allow`,
    {
      hint: "ask the operator of this daemon, or use a template of theirs that allows it",
    },
  );
}
