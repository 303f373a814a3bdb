/**
 * Thrown by a custom exporter for events that its destination will never take: they are not tried again. Any other error is.
 *
 * @example throw new PermanentError("the destination knows no field `foo`")
 */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}
