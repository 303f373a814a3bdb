/**
 * What the C library's `inet_aton` makes of a text, which `getaddrinfo` asks before it asks anybody else: one to four numbers, in
 * decimal, octal (`0…`) or hexadecimal (`0x…`), of which the last fills what is left. Undefined for what it takes for a name.
 */
export function numberedAddress(text: string): string | undefined {
  const parts = text.split(".");
  if (parts.length > 4 || !parts.every((part) => /^(?:0[xX][0-9a-fA-F]*|\d+)$/.test(part))) return undefined;
  const numbers = parts.map(numberOf);
  const last = numbers.pop();
  if (last === undefined || numbers.some((number) => !(number <= 255))) return undefined;
  if (!(last < 256 ** (4 - numbers.length))) return undefined;
  const value = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function numberOf(part: string): number {
  if (/^0[xX]/.test(part)) return part.length === 2 ? 0 : Number(part);
  if (!part.startsWith("0")) return Number(part);
  return /^[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number.NaN;
}
