import { z } from "zod";
import { configSchema } from "./schema.ts";

/** How an option is written in a flag or an environment variable. */
type OptionKind = "string" | "number" | "boolean" | "list" | "map" | "json";

/** One option as the user sees it: a leaf of the schema. */
export interface OptionInfo {
  /** As in a configuration file: `retention.maxBytes`. */
  path: string;
  kind: OptionKind;
  /** `SANDGLASS_RETENTION_MAX_BYTES`. */
  variable: string;
  /** `retention-max-bytes`, without the dashes. */
  flag: string;
  description: string;
  choices?: readonly string[];
  /** Its value is never shown. */
  isSecret: boolean;
}

interface SchemaDefinition {
  type: string;
  innerType?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  entries?: Record<string, string>;
  options?: readonly z.core.$ZodType[];
}

/** Every option, in the order of the schema. */
export const OPTIONS: readonly OptionInfo[] = leavesOf(configSchema, "");

function leavesOf(schema: z.core.$ZodType, path: string): OptionInfo[] {
  const { inner, description, isSecret } = unwrap(schema);
  const definition = inner._zod.def as SchemaDefinition;
  if (definition.shape !== undefined) {
    return Object.entries(definition.shape).flatMap(([name, child]) =>
      leavesOf(child, path === "" ? name : `${path}.${name}`),
    );
  }
  const words = path.replace(/[A-Z]/g, (letter) => `_${letter}`).replaceAll(".", "_");
  return [
    {
      path,
      kind: kindOf(plainest(definition).type),
      variable: `SANDGLASS_${words.toUpperCase()}`,
      flag: words.toLowerCase().replaceAll("_", "-"),
      description,
      ...(definition.entries !== undefined && { choices: Object.values(definition.entries) }),
      isSecret,
    },
  ];
}

/** Takes off defaults and optionality, keeping what was said about the option on the way. */
function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; description: string; isSecret: boolean } {
  let inner = schema;
  let description = "";
  let isSecret = false;
  for (;;) {
    const meta = z.globalRegistry.get(inner);
    description ||= meta?.description ?? "";
    isSecret ||= meta?.isSecret === true;
    const next = (inner._zod.def as SchemaDefinition).innerType;
    if (next === undefined) return { inner, description, isSecret };
    inner = next;
  }
}

/** Of a union the first form, which is what a flag or a variable gives. */
function plainest(definition: SchemaDefinition): SchemaDefinition {
  const [first] = definition.options ?? [];
  return first === undefined ? definition : (first._zod.def as SchemaDefinition);
}

function kindOf(type: string): OptionKind {
  switch (type) {
    case "string":
    case "enum":
      return "string";
    case "number":
    case "int":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return "list";
    case "record":
      return "map";
    case "pipe":
      return "json";
    default:
      throw new Error(`the configuration schema holds a ${type}, which no flag can express`);
  }
}
