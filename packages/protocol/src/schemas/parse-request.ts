import type * as z from "zod";
import { SandglassError } from "../errors.ts";
import { nearestName } from "../nearest-name.ts";

const MAX_PROBLEMS = 3;
const MAX_ECHO = 40;

/**
 * Checks a request's body or query and fills in defaults. Undefined (no body) counts as an empty object.
 *
 * @throws SandglassError INVALID_REQUEST, whose message says the first three problems in words and how many more there are.
 *   Values of text fields are never repeated in it: they may be secrets.
 * @example parseRequest(ExecRequest, body)
 */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value ?? {}, { error: describeIssue });
  if (result.success) return result.data;
  const { issues } = result.error;
  const problems = issues.slice(0, MAX_PROBLEMS).map(sayIssue);
  if (issues.length > MAX_PROBLEMS) problems.push(`and ${issues.length - MAX_PROBLEMS} more`);
  throw new SandglassError("INVALID_REQUEST", problems.join("; "), {
    hint: "GET /openapi.json describes every request",
  });
}

/** "memoryMb must be …", "env.A-B is …"; what concerns the whole body stands alone. */
function sayIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
  if (issue.code === "unrecognized_keys")
    return where === "" ? issue.message : `${issue.message} (in ${where})`;
  return where === "" ? issue.message.replace(/^must /, "the request must ") : `${where} ${issue.message}`;
}

/** Words for what the schemas leave unsaid; undefined leaves it to zod. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `must be ${article(issue.expected)}, not ${kindOf(issue.input)}`;
    case "invalid_value":
      return describeChoice(issue.values.map(String), issue.input);
    case "too_small":
      return `must have at least ${issue.minimum} ${unitOf(issue.origin)}`;
    case "too_big":
      return `must have at most ${issue.maximum} ${unitOf(issue.origin)}`;
    case "invalid_format":
      return issue.format === "datetime" ? "must be a time like 2026-04-18T14:00:00.000Z" : undefined;
    case "invalid_union":
      return issue.discriminator === undefined ? undefined : describeDiscriminator(issue);
    default:
      return undefined;
  }
}

function describeChoice(values: readonly string[], input: unknown): string {
  if (input === undefined) return "is missing";
  const nearest = typeof input === "string" ? nearestName(input, values) : undefined;
  const choice = values.length > 8 ? `a known value, like ${values[0]}` : `one of ${values.join(", ")}`;
  const given = typeof input === "string" ? JSON.stringify(input.slice(0, MAX_ECHO)) : kindOf(input);
  return `must be ${choice}, not ${given}${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`;
}

function describeDiscriminator(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const { input, discriminator } = issue;
  if (typeof input !== "object" || input === null || discriminator === undefined) return "must be an object";
  const given: unknown = Reflect.get(input, discriminator);
  return options.length === 0 ? "is of no known type" : describeChoice(options, given);
}

function article(expected: string): string {
  if (expected === "int") return "a whole number";
  if (expected === "record") return "an object";
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function kindOf(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "an array";
  if (typeof input === "number") return String(input);
  return article(typeof input);
}

function unitOf(origin: string): string {
  if (origin === "string") return "characters";
  return origin === "array" ? "items" : "of it";
}
