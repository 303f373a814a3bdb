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
