import * as z from "zod";
import { SandglassError } from "../errors.ts";
import { parseTypes } from "../filter.ts";
import { integerBetween } from "./fields.ts";

// Fields of a query arrive as text; programs that call in-process may give the value itself.

/** A whole number. What is none stays text, for the message to say so. */
export function queryInteger(min: number, max: number, unit: string) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^-?[0-9]{1,15}$/.test(value) ? Number(value) : value),
    integerBetween(min, max, unit),
  );
}

/** `true`, `1` or nothing behind the name; `false` or `0`. */
export const queryBoolean = z.preprocess(
  (value) => {
    if (value === "true" || value === "1" || value === "") return true;
    return value === "false" || value === "0" ? false : value;
  },
  z.boolean({ error: "must be true or false" }),
);

/** Items on a page. */
export const pageLimit = queryInteger(1, 1000, "items").default(100);

/** A text of at least one character. */
export const queryText = (max: number): z.ZodString =>
  z.string().min(1, { error: "must not be empty" }).max(max);

/** ISO 8601, with its zone. */
const time = z.iso.datetime({
  offset: true,
  error: "must be an ISO 8601 time with its zone, e.g. 2026-04-18T14:00:00Z",
});

/** From `since` on, before `until`. */
export const timeRange = { since: time.optional(), until: time.optional() };

/** `name=value` of an attribute. */
export const queryAttribute = z
  .string()
  .max(1000)
  .regex(/^[^=]+=/, { error: "must be name=value, e.g. process.exit.code=1" });

/** One or more, repeated in the query. */
export function queryList<Item extends z.ZodType>(item: Item, max: number) {
  return z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(item).max(max));
}

/** Opaque to callers: what an earlier answer gave. */
export const cursor = z
  .string()
  .min(1, { error: "must not be empty" })
  .max(512, { error: "is none of ours" });

/** Type patterns, comma-separated or repeated. */
export const queryTypes = z.preprocess(
  (value) => (typeof value === "string" ? value.split(",").map((pattern) => pattern.trim()) : value),
  z.array(z.string()).superRefine((patterns, context) => {
    try {
      parseTypes(patterns.join(","));
    } catch (error) {
      if (!(error instanceof SandglassError)) throw error;
      context.addIssue({ code: "custom", message: `is not understood: ${error.message}` });
    }
  }),
);

/** Permission bits in octal, e.g. `644`. */
export const octalMode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, { error: "must be permission bits in octal, like 644" })
  .transform((text) => Number.parseInt(text, 8))
  .meta({ type: "string", pattern: "^0?[0-7]{3,4}$" });
