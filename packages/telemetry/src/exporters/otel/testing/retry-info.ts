import protobuf from "protobufjs";

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`);

function encode(type: string, value: Record<string, unknown>): Buffer {
  const message = root.lookupType(type);
  return Buffer.from(message.encode(message.fromObject(value)).finish());
}

/** A `google.rpc.Status` with a `RetryInfo` that names this time. */
export function retryInfoStatus(delayS: number, message: string = ""): Buffer {
  const seconds = Math.floor(delayS);
  const retryDelay = { seconds, nanos: Math.round((delayS - seconds) * 1e9) };
  const value = encode("RetryInfo", { retryDelay });
  const details = [{ typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value }];
  return encode("Status", { code: 14, message, details });
}
