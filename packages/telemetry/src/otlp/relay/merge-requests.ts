/**
 * One request out of several of the same signal, for sending them at once. Protobuf merges messages that stand one behind the other,
 * and the entries of a request are a list: nothing has to be read, and no entry becomes part of another.
 *
 * @param requests each whole, as `stampRequest` gives it
 * @param into with room for all of them; what is returned is the beginning of it. Default: memory of its own
 */
export function mergeRequests(requests: readonly Uint8Array[], into?: Buffer): Buffer {
  if (into === undefined) return Buffer.concat(requests);
  let at = 0;
  for (const request of requests) {
    into.set(request, at);
    at += request.length;
  }
  return into.subarray(0, at);
}
