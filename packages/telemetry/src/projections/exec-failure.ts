import type { ExecCompletedData, ExecException } from "@sandglass/protocol";

const MAX_DESCRIPTION = 200;

/** What of an exec's ending says how it failed. */
type Ending = Pick<ExecCompletedData, "cause" | "reason" | "exitCode" | "exception">;

/**
 * `error.type` of an exec: the host's word on why it ended, else the type of what the cell raised; undefined where neither says that it
 * failed.
 */
export function execErrorType({ cause, exception }: Pick<Ending, "cause" | "exception">): string | undefined {
  return cause === "exited" ? exception?.type : cause;
}

/** How an exec failed, in a line of words. */
export function execFailure({ cause, reason, exitCode, exception }: Ending): string {
  if (cause !== "exited") return reason === undefined ? cause : `${cause}: ${reason}`;
  return exception === undefined ? `exit code ${exitCode}` : describeException(exception);
}

/** What was raised, in a line of words: `ValueError: no such month`. */
export function describeException({ type, message = "" }: ExecException): string {
  const [line = ""] = message.split("\n", 1);
  const whole = line === "" ? type : `${type}: ${line}`;
  return whole.length > MAX_DESCRIPTION ? `${whole.slice(0, MAX_DESCRIPTION - 1)}…` : whole;
}
