/** Records of one request that are numbered by their place; few have more. */
const PLACES = 65_536;

/**
 * The number of a log record: of its request's position in the log of telemetry, and its place in it. So it is the same before the
 * store has it, and after the store was filled again. Undefined where there are too many for that.
 */
export function logKey(position: number, index: number): number | undefined {
  const key = position * PLACES + index;
  return index < PLACES && Number.isSafeInteger(key) ? key : undefined;
}
