import { type Level, SandglassError } from "@sandglass/protocol";

/** Decides whether a line of this target and level is printed. */
export type LogFilter = (target: string, level: Level) => boolean;

/** Severity, and the numbers that EnvFilter takes as well. `trace` is everything; events have nothing below debug. */
const LEVELS = { off: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 } as const;
const TARGET = /^[A-Za-z0-9_]+(?:[.:-][A-Za-z0-9_:-]*)*$/;

/**
 * Level directives in the syntax of tracing-subscriber's EnvFilter, as far as it names targets: `info,http=warn,
 * sandbox.exec=debug`. The longest target that a line's target begins with (by whole dotted parts) decides, of two
 * alike the last; a target without a level means all of it; what no directive names is off, and a level alone names
 * everything. Empty is `info`.
 *
 * Throws INVALID_REQUEST naming the directive that is not understood.
 *
 * @example
 * const isPrinted = parseLogDirectives("info,sandbox.exec=debug");
 * isPrinted("sandbox.exec", "debug"); // true
 */
export function parseLogDirectives(text: string): LogFilter {
  const byTarget = new Map<string, number>();
  for (const part of text.split(",")) {
    const directive = part.trim();
    if (directive === "") continue;
    const { target, level } = parseDirective(directive);
    byTarget.set(target, level);
  }
  if (byTarget.size === 0) byTarget.set("", LEVELS.info);
  const limits = new Map<string, number>();
  return (target, level) => {
    let limit = limits.get(target);
    if (limit === undefined) {
      limit = limitOf(byTarget, target);
      // Targets are a handful of constants: what was looked up once is kept.
      limits.set(target, limit);
    }
    return LEVELS[level] <= limit;
  };
}

function limitOf(byTarget: ReadonlyMap<string, number>, target: string): number {
  for (let prefix = target; prefix !== ""; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf(".")))) {
    const limit = byTarget.get(prefix);
    if (limit !== undefined) return limit;
  }
  return byTarget.get("") ?? LEVELS.off;
}

function parseDirective(directive: string): { target: string; level: number } {
  if (/[[\]{}]/.test(directive)) throw bad(directive, "span and field filters are not supported");
  const [left = "", right, ...more] = directive.split("=").map((side) => side.trim());
  if (more.length > 0) throw bad(directive, 'more than one "="');
  if (right === undefined) {
    const level = parseLevel(left);
    if (level !== undefined) return { target: "", level };
  }
  if (!TARGET.test(left))
    throw bad(directive, left === "" ? "the target is missing" : `"${left}" is no target`);
  if (right === undefined) return { target: left, level: LEVELS.trace };
  const level = parseLevel(right);
  if (level === undefined)
    throw bad(directive, right === "" ? "the level is missing" : `"${right}" is no level`);
  return { target: left, level };
}

function parseLevel(text: string): number | undefined {
  const name = text.toLowerCase();
  if (Object.hasOwn(LEVELS, name)) return LEVELS[name as keyof typeof LEVELS];
  return /^[0-5]$/.test(text) ? Number(text) : undefined;
}

function bad(directive: string, why: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `log directive "${directive}": ${why}`, {
    hint: "write levels (off, error, warn, info, debug, trace) alone or for a target, e.g. info,http=warn,sandbox.exec=debug",
  });
}
