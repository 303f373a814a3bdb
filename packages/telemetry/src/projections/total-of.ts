/** The sum of counts by name; undefined where there are none to sum. */
export function totalOf(counts: Readonly<Record<string, number>> | undefined): number | undefined {
  return counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
}
