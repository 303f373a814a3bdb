import { SandglassError } from "../errors.ts";
import type { LoadProvider } from "./instruments.ts";
import { PrivateProvider } from "./private-provider.ts";

type Environment = Readonly<Record<string, string | undefined>>;

let isWarned = false;

/**
 * How a client gets its private provider, or undefined where it is to have none: what the program says, else
 * SANDGLASS_SDK_OTEL_ENABLED, else whether an OTLP endpoint is set. OTEL_SDK_DISABLED is above all of it.
 *
 * Packages that are missing fail the calls of a program that has asked for them; where only the environment did, that is
 * one warning and no telemetry: it may have been set for another program.
 */
export function providerLoader(
  explicit: boolean | undefined,
  env: Environment = process.env,
): LoadProvider | undefined {
  if (isTrue(env.OTEL_SDK_DISABLED)) return undefined;
  if (explicit === true) return () => PrivateProvider.acquire();
  return (explicit ?? isAsked(env)) ? acquireOrWarn : undefined;
}

function isAsked(env: Environment): boolean {
  if (env.SANDGLASS_SDK_OTEL_ENABLED) return isTrue(env.SANDGLASS_SDK_OTEL_ENABLED);
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT);
}

async function acquireOrWarn(): Promise<PrivateProvider | undefined> {
  try {
    return await PrivateProvider.acquire();
  } catch (error) {
    if (!isWarned) {
      isWarned = true;
      const hint = error instanceof SandglassError && error.hint ? `: ${error.hint}` : "";
      process.emitWarning(`${error instanceof Error ? error.message : String(error)}${hint}`, {
        type: "SandglassWarning",
        code: "SANDGLASS_OTEL",
      });
    }
    return undefined;
  }
}

function isTrue(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === "true";
}
