/** Where a span stands in its trace. */
export interface SpanPlace {
  readonly key: string;
  /** "" of a root. */
  readonly parent: string;
}

/**
 * Puts children before their parents, and else keeps the order. Spans that are their own ancestors end up somewhere. Linear, but
 * for the sorting.
 */
export function childrenFirst<T extends SpanPlace>(spans: readonly T[]): T[] {
  const byKey = new Map(spans.map((span) => [span.key, span]));
  const depths = new Map<string, number>();
  const path: T[] = [];
  for (const span of spans) {
    let at: T | undefined = span;
    while (at !== undefined && !depths.has(at.key)) {
      // Stands while the span's ancestors are looked for, so that a circle ends.
      depths.set(at.key, 0);
      path.push(at);
      at = byKey.get(at.parent);
    }
    let depth = at === undefined ? -1 : depths.get(at.key)!;
    for (let next = path.pop(); next !== undefined; next = path.pop()) depths.set(next.key, ++depth);
  }
  return spans.toSorted((a, b) => depths.get(b.key)! - depths.get(a.key)!);
}
