import { ConnectionError, SandglassError } from "../errors.ts";

/** Turns a socket's error into one that says what to do; errors of the catalogue and abort reasons pass unchanged. */
export function toConnectionError(error: unknown, baseUrl: string): unknown {
  if (error instanceof SandglassError || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  // Node refuses to send it: a key or trace header with a line break, an id that is no text.
  if (error instanceof TypeError)
    return new SandglassError("INVALID_REQUEST", error.message, { cause: error });
  switch (code) {
    case "ECONNREFUSED":
      return new ConnectionError(`nothing listens at ${baseUrl}`, {
        hint: "is the daemon running? start it with `sandglass serve`, or set SANDGLASS_URL",
        cause: error,
      });
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConnectionError(`the host of ${baseUrl} cannot be resolved`, {
        hint: "check SANDGLASS_URL or baseUrl",
        cause: error,
      });
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return new ConnectionError(`the certificate of ${baseUrl} is not trusted: ${error.message}`, {
        hint: "where its authority is your own, give that certificate as caFile or SANDGLASS_CA_FILE",
        cause: error,
      });
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      if (!/wrong version number|packet length too long/i.test(error.message))
        return failed(error, code, baseUrl);
      return new ConnectionError(`what listens at ${baseUrl} speaks http, not https`, {
        hint: "write http:// in SANDGLASS_URL or baseUrl",
        cause: error,
      });
    case "ABORT_ERR":
      return error;
    default:
      return failed(error, code, baseUrl);
  }
}

function failed(error: Error, code: string, baseUrl: string): ConnectionError {
  return new ConnectionError(`the connection to ${baseUrl} failed: ${error.message || code}`, {
    hint: "look at the daemon's log; is it still running?",
    cause: error,
  });
}
