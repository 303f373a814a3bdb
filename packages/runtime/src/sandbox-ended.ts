import { type Cause, SandglassError } from "@sandglass/protocol";

/** What a call on a sandbox that has ended, or is about to, is answered. */
export function sandboxEnded(id: string, cause: Cause | undefined): SandglassError {
  const why = cause === undefined ? "" : ` (${cause})`;
  const hint = "create a new one";
  return new SandglassError("SANDBOX_ENDED", `sandbox ${id} has ended${why}`, { hint });
}
