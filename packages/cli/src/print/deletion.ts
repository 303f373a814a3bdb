import type { DeletionResult } from "sandglass";

/** "1 sandbox, 42 events, 31337 bytes". */
export function deletionText({ sandboxes, events, bytes }: DeletionResult): string {
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;
  const boxes = `${sandboxes} sandbox${sandboxes === 1 ? "" : "es"}`;
  return [boxes, count(events, "event"), count(bytes, "byte")].join(", ");
}
