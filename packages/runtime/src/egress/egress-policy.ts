import {
  type EgressOptions,
  type EgressRule,
  type IpAddress,
  isInRange,
  isPublicIp,
  isReservedRange,
  meantAddress,
  parseEgressRule,
} from "@sandglass/protocol";

/** Where a request wants to go. */
export interface EgressTarget {
  readonly host:
    | { readonly kind: "name"; readonly name: string }
    /** As it is meant: never an IPv6 one that only holds an IPv4 address. */
    | { readonly kind: "address"; readonly address: IpAddress };
  readonly port: number;
}

/** Why something is not let out. */
export type DenialReason =
  /** No rule allows it. */
  | "not_allowed"
  /** A rule denies it. */
  | "denied"
  /** It is or leads to an address that is not public, or is the host's own, and that no rule names. */
  | "not_public"
  /** It is no request that a proxy can do, or names no destination that can be. */
  | "bad_request"
  /** Whose it is was not found out, where that can be: nothing goes out that no exec is known of. */
  | "not_attributed"
  /** More at once, or in a second, than a sandbox may. */
  | "too_many_connections"
  | "rate_limited";

/** Why a request is not let out whatever its policy says. */
export type OwnerRefusal = Extract<DenialReason, "not_attributed" | "rate_limited">;

/** A policy, ready to be asked. */
export interface EgressPolicy {
  readonly isAllowedByDefault: boolean;
  readonly allow: readonly EgressRule[];
  readonly deny: readonly EgressRule[];
  /** Whoever made it may name addresses that are not public. */
  readonly isTrusted: boolean;
}

const DEFAULT_PORTS: readonly number[] = [80, 443];

/** @throws RangeError for a rule that is none */
export function egressPolicy(options: EgressOptions, isTrusted: boolean): EgressPolicy {
  return {
    isAllowedByDefault: options.default === "allow",
    allow: (options.allow ?? []).map(parseEgressRule),
    deny: (options.deny ?? []).map(parseEgressRule),
    isTrusted,
  };
}

/**
 * The rules that only the operator may give: they name addresses that are not public, or one of the host's own.
 *
 * @param isOwn whether an address is one of the host's
 */
export function operatorRules(options: EgressOptions, isOwn: (address: IpAddress) => boolean): string[] {
  return (options.allow ?? []).filter((text) => {
    const { host } = parseEgressRule(text);
    if (host.kind !== "range") return false;
    const { family, first, last } = host.range;
    return isReservedRange(host.range) || (first === last && isOwn({ family, value: first }));
  });
}

/** What is known before a name is resolved: a reason to refuse it, or undefined. */
export function refusalOf(policy: EgressPolicy, target: EgressTarget): DenialReason | undefined {
  if (policy.deny.some((rule) => speaksOf(rule, target) && deniesPort(rule, target.port))) return "denied";
  const isAllowed = policy.allow.some((rule) => speaksOf(rule, target) && allowsPort(rule, target.port));
  if (isAllowed || (policy.isAllowedByDefault && DEFAULT_PORTS.includes(target.port))) return undefined;
  const { host } = target;
  return host.kind === "address" && !isPublicIp(host.address) ? "not_public" : "not_allowed";
}

/**
 * Whether what {@link refusalOf} let pass may be reached at this address: the only one that is connected to.
 *
 * @param isOwn the address is one of the host's own
 */
export function addressRefusal(
  policy: EgressPolicy,
  { port }: EgressTarget,
  address: IpAddress,
  isOwn: boolean,
): DenialReason | undefined {
  const meant = meantAddress(address);
  const at: EgressTarget = { host: { kind: "address", address: meant }, port };
  const ranges = (rules: readonly EgressRule[]): EgressRule[] =>
    rules.filter((rule) => rule.host.kind === "range" && speaksOf(rule, at));
  if (ranges(policy.deny).some((rule) => deniesPort(rule, port))) return "denied";
  if (isPublicIp(meant) && !isOwn) return undefined;
  const isNamed =
    policy.isTrusted && ranges(policy.allow).some((rule) => allowsPort(rule, port) && names(rule, isOwn));
  return isNamed ? undefined : "not_public";
}

/** A block that has public addresses too, as `0.0.0.0/0`, names none of the others; one of the host's own is named alone. */
function names({ host }: EgressRule, isOwn: boolean): boolean {
  if (host.kind !== "range") return false;
  return isReservedRange(host.range) || (isOwn && host.range.first === host.range.last);
}

function speaksOf({ host }: EgressRule, target: EgressTarget): boolean {
  if (host.kind === "any") return true;
  if (host.kind === "range")
    return target.host.kind === "address" && isInRange(target.host.address, host.range);
  if (target.host.kind === "address") return false;
  const { name } = target.host;
  return host.kind === "name" ? name === host.name : name.endsWith(`.${host.name}`);
}

function allowsPort({ port }: EgressRule, wanted: number): boolean {
  return port === undefined ? DEFAULT_PORTS.includes(wanted) : port === "any" || port === wanted;
}

function deniesPort({ port }: EgressRule, wanted: number): boolean {
  return port === undefined || port === "any" || port === wanted;
}
