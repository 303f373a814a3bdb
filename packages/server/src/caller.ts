import type { KeyInfo, Scope } from "@sandglass/protocol";

/** Of the operator; keys are of it unless they say otherwise. */
export const DEFAULT_ORG = "default";

/** Who asks: of which organisation, and what its key may do within it. */
export type Caller = Readonly<Pick<KeyInfo, "orgId" | "scopes">>;

/** Whether the caller's key has the scope. `admin` has every one. */
export function hasScope({ scopes }: Caller, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** Whoever administers the operator's organisation administers the daemon, and sees every organisation's keys and exporters. */
export function isOperator({ orgId, scopes }: Caller): boolean {
  return orgId === DEFAULT_ORG && scopes.includes("admin");
}
