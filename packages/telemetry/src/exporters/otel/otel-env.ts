import { SandglassError } from "@sandglass/protocol";
import type { Environment } from "../definition.ts";

/** The standard variables of OpenTelemetry. One that is empty is not set. */
export class OtelEnv {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** Only the word "true" is, in any case. */
  isTrue(name: string): boolean {
    return this.text(name)?.toLowerCase() === "true";
  }

  /** @throws SandglassError INVALID_REQUEST for what is no whole number in the range */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw invalid(name, `is not a whole number from ${min} to ${max}`);
  }

  /** @throws SandglassError INVALID_REQUEST for what is none of them */
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    const value = values.find((each) => each === text);
    if (value === undefined) throw invalid(name, `is none of ${values.join(", ")}`);
    return value;
  }

  /**
   * `key=value,key=value`, the values percent-encoded, as W3C Baggage without properties. A value that is not encoded is taken as it
   * is, since that is how most people write them.
   *
   * @throws SandglassError INVALID_REQUEST for a part without "=", never with a value in its message
   */
  pairs(name: string): [key: string, value: string][] {
    const parts = (this.text(name) ?? "").split(",").map((part) => part.trim());
    return parts
      .filter((part) => part !== "")
      .map((part) => {
        const border = part.indexOf("=");
        if (border <= 0) throw invalid(name, "has a part that is not key=value");
        return [decode(part.slice(0, border).trim()), decode(part.slice(border + 1).trim())];
      });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

function invalid(name: string, what: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `the environment variable ${name} ${what}`);
}
