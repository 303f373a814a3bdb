import { SandglassError } from "@sandglass/protocol";

/** For whoever wants work of a runtime that ends. */
export function stopping(): SandglassError {
  return new SandglassError("SHUTTING_DOWN", "the daemon is stopping");
}
