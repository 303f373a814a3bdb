import { InvalidArgumentError } from "commander";
import type { ComponentStatus } from "sandglass";

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const UNITS_MB: Readonly<Record<string, number>> = { m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 };

/** `30s`, `5m`, `1.5h`, `250ms`, or a plain number of seconds, as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Use a duration like 250ms, 30s, 5m, 2h or 7d.");
  return Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? "s"] ?? 1_000));
}

/** As {@link parseDuration}, but a plain number is milliseconds. */
export function parseMilliseconds(text: string): number {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : parseDuration(text);
}

/** `512`, `512m` or `2g`, as MiB. */
export function parseMegabytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(m|mb|mib|g|gb|gib)?$/i.exec(text);
  if (match === null) throw new InvalidArgumentError("Use a size in MiB like 512, 512m or 2g.");
  return Math.round(Number(match[1]) * (UNITS_MB[(match[2] ?? "m").toLowerCase()] ?? 1));
}

/** A number above zero, as of CPUs. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError("Use a number above 0.");
  return value;
}

/**
 * Collects `NAME=value`, given again and again. A bare NAME takes the value from the environment, so that a secret need
 * not stand in the command line.
 */
export function collectPairs(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals);
  const value = equals === -1 ? process.env[name] : text.slice(equals + 1);
  if (name === "") throw new InvalidArgumentError("Use NAME=value.");
  if (value === undefined) throw new InvalidArgumentError(`${name} is not set here: use ${name}=value.`);
  return { ...previous, [name]: value };
}

/** Collects `name=value`, given again and again. It is stored and shown: nothing is taken from the environment. */
export function collectMetadata(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("Use name=value.");
  return { ...previous, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Collects `component=status`, given again and again. What they may be is the daemon's to say. */
export function collectComponents(
  text: string,
  previous: Record<string, ComponentStatus> = {},
): Record<string, ComponentStatus> {
  const [id, status, ...rest] = text.split("=");
  if (!id || !status || rest.length > 0)
    throw new InvalidArgumentError("Use component=status, e.g. api=partial_outage.");
  return { ...previous, [id]: status as ComponentStatus };
}

/** Comma-separated, given once or again and again. */
export function collectList(text: string, previous: readonly string[] = []): string[] {
  const items = text.split(",").map((item) => item.trim());
  return [...previous, ...items.filter((item) => item !== "")];
}
