/** Wire types of protobuf. Groups (3 and 4) are of proto2 and in no message here. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LEN = 2;
export const FIXED32 = 5;

/** The tag of a field up to 15, which is one byte. */
export function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
