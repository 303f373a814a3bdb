import * as z from "zod";
import { isRunId, isSandboxId, isSpanId, isTraceId } from "../ids.ts";

const KIB = 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
/** The kernel takes no single argument or variable longer than this with its NUL (MAX_ARG_STRLEN). */
const MAX_ARGUMENT_BYTES = 128 * KIB - 1;
const MAX_ENV_BYTES = 256 * KIB;
const MAX_METADATA_PAIRS = 64;
const MAX_PAIR_BYTES = KIB;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A number with both ends given, that a message names with its unit.
 *
 * @param advice what to do where the value is outside, e.g. "choose less or split the work"
 */
export function numberBetween(min: number, max: number, unit: string, advice?: string): z.ZodNumber {
  return z.number().min(min, { error: outside }).max(max, { error: outside });

  function outside(issue: { input: unknown }): string {
    const words = `must be between ${min} and ${max} ${unit}, not ${String(issue.input)}`;
    return advice === undefined ? words : `${words}: ${advice}`;
  }
}

/** As {@link numberBetween}, whole numbers only. */
export function integerBetween(min: number, max: number, unit: string, advice?: string): z.ZodNumber {
  return numberBetween(min, max, unit, advice).int({ error: "must be a whole number" });
}

/** A duration: 0 to 30 days. */
export function durationMs(whatZeroMeans: string): z.ZodNumber {
  return integerBetween(0, 30 * DAY_MS, "milliseconds (30 days)", `choose less, or 0 for ${whatZeroMeans}`);
}

/** Text of at most `maxBytes` of UTF-8. */
export function textUpTo(maxBytes: number, limitInWords: string): z.ZodString {
  return z.string().refine((text) => isWithin(text, maxBytes), {
    error: `must be at most ${limitInWords}: put more into a file of the sandbox`,
  });
}

/** Text that reaches the kernel: non-empty, no NUL, at most what it takes as one argument. */
export function argument(options: { mayBeEmpty?: boolean } = {}): z.ZodString {
  const text = withoutNul(textUpTo(MAX_ARGUMENT_BYTES, "128 KiB"));
  return options.mayBeEmpty === true ? text : text.min(1, { error: "must not be empty" });
}

/** A path inside the sandbox. */
export const path: z.ZodString = withoutNul(
  textUpTo(4095, "4095 bytes").min(1, { error: "must not be empty" }),
);

/** Environment variables. */
export const environment = z
  .record(z.string(), z.string())
  .superRefine((variables, context) => {
    let total = 0;
    for (const [name, value] of Object.entries(variables)) {
      const complain = (message: string) => context.addIssue({ code: "custom", message, path: [name] });
      const bytes = utf8Length(name) + 1 + utf8Length(value);
      total += bytes + 1;
      if (!ENV_NAME.test(name)) complain("is no variable's name: use letters, digits and _, no digit first");
      if (value.includes("\0")) complain("must not contain a NUL character");
      if (bytes > MAX_ARGUMENT_BYTES) {
        complain("must be at most 128 KiB, the kernel's limit of one variable: put it into a file");
      }
    }
    if (total <= MAX_ENV_BYTES) return;
    context.addIssue({
      code: "custom",
      message: `must be at most 256 KiB in total, not ${Math.ceil(total / KIB)} KiB: put large values into files`,
    });
  })
  .meta({ propertyNames: { type: "string", pattern: ENV_NAME.source } });

/** Pairs of the caller's own, returned as given. */
export const metadata = z
  .record(z.string(), z.string())
  .superRefine((pairs, context) => {
    const entries = Object.entries(pairs);
    if (entries.length > MAX_METADATA_PAIRS) {
      const message = `must have at most ${MAX_METADATA_PAIRS} pairs, not ${entries.length}`;
      context.addIssue({ code: "custom", message });
    }
    for (const [key, value] of entries) {
      if (utf8Length(key) + utf8Length(value) <= MAX_PAIR_BYTES) continue;
      const message = "must be at most 1 KiB, key and value together: keep a reference to it instead";
      context.addIssue({ code: "custom", message, path: [key.slice(0, 64)] });
    }
  })
  .meta({ maxProperties: MAX_METADATA_PAIRS });

export const runId = identifier(
  isRunId,
  '"run_" and 1 to 64 letters, digits, _ or -',
  "^run_[A-Za-z0-9_-]{1,64}$",
);
export const sandboxId = identifier(
  isSandboxId,
  'a sandbox\'s id, "sbx_" and 26 characters',
  "^sbx_[0-7][0-9a-hjkmnp-tv-z]{25}$",
);
export const traceId = identifier(
  isTraceId,
  "32 lower-case hex characters, not all zero",
  "^(?!0{32})[0-9a-f]{32}$",
);
export const spanId = identifier(
  isSpanId,
  "16 lower-case hex characters, not all zero",
  "^(?!0{16})[0-9a-f]{16}$",
);

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
const encoder = new TextEncoder();

/** Spares the encoding where the length alone decides. */
function isWithin(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return true;
  return text.length <= maxBytes && utf8Length(text) <= maxBytes;
}

function withoutNul(text: z.ZodString): z.ZodString {
  return text.refine((value) => !value.includes("\0"), { error: "must not contain a NUL character" });
}

function identifier(isValid: (text: string) => boolean, form: string, pattern: string): z.ZodString {
  return z
    .string()
    .refine(isValid, { error: `must be ${form}` })
    .meta({ pattern });
}
