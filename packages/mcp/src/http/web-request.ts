import type { IncomingMessage } from "node:http";
import { SandglassError } from "sandglass";

/** Methods that bring a body. */
const WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];

/**
 * A request as the protocol's library takes it, with its body read.
 *
 * @param upload its body, as it comes
 * @param maxBytes of the body
 * @throws SandglassError PAYLOAD_TOO_LARGE, without having read on; what `upload` throws
 */
export async function webRequest(
  request: IncomingMessage,
  upload: () => AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Request> {
  const { method = "GET", url = "/", headers } = request;
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) given.append(name, one);
  }
  // The name is nobody's: what was asked for at which host has been looked at by then.
  const address = new URL(url, "http://localhost");
  if (!WITH_BODY.includes(method)) return new Request(address, { method, headers: given });
  const body = await readBody(upload(), maxBytes);
  return new Request(address, { method, headers: given, body: new Uint8Array(body) });
}

async function readBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new SandglassError("PAYLOAD_TOO_LARGE", `a message may have ${maxBytes} bytes at most`, {
        hint: "write a large file in parts, or with the SDK",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
