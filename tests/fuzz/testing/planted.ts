/** A parser with a mistake that one of sixteen million texts of its length finds by chance. */
export function planted(input: Buffer): void {
  if (input[0] !== 0x53) return;
  if (input[1] !== 0x41) return;
  if (input[2] !== 0x4e) return;
  throw new Error("the mistake");
}
