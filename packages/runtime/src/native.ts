import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SandglassError } from "@sandglass/protocol";

const packageDir = fileURLToPath(new URL("..", import.meta.url));

/** Programs and interpreter drivers that ship with the runtime. */
export const NATIVE = {
  helper: join(packageDir, "native/build/helper"),
  agent: join(packageDir, "native/build/agent"),
  spans: join(packageDir, "native/build/libsandglass-spans.so"),
  assets: join(packageDir, "assets"),
} as const;

/** Throws DRIVER_ERROR where the set-up has not built the native programs. */
export function requireNative(): void {
  for (const path of [NATIVE.helper, NATIVE.agent, NATIVE.spans]) {
    if (!existsSync(path)) {
      throw new SandglassError("DRIVER_ERROR", `the native program ${path} is not there`, {
        hint: "run `make setup`, which builds it",
      });
    }
  }
}
