/**
 * One request out of several of the same signal, for sending them at once. Protobuf merges messages that stand one behind the other,
 * and the entries of a request are a list: nothing has to be read, and no entry becomes part of another.
 *
 * @param requests each whole, as `stampRequest` gives it
 */
export function mergeRequests(requests: readonly Uint8Array[]): Uint8Array {
  return requests.length === 1 ? requests[0]! : Buffer.concat(requests);
}
