import * as z from "zod";
import { nearestName } from "../nearest-name.ts";

/** An object of a request: a field that it does not know is an error, and the error names the nearest one it does. */
export function strictObject<T extends z.core.$ZodLooseShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? unknownFields(issue.keys, known) : undefined),
  });
}

function unknownFields(fields: readonly string[], known: readonly string[]): string {
  const [field = "", ...others] = fields;
  const nearest = nearestName(field, known);
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const advice = nearest === undefined ? `it takes ${known.join(", ")}` : `did you mean "${nearest}"?`;
  return `unknown field "${field.slice(0, 64)}"${more}; ${advice}`;
}
