/** A request or an answer that is no OTLP. The message says what is wrong and, where that is known, at which field. */
export class MalformedOtlpError extends Error {
  override readonly name = "MalformedOtlpError";
}
