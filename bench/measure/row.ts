export type Unit = "ms" | "x" | "%" | "/s" | "MB/s" | "MB" | "kB" | "bytes" | "events" | "sandboxes";

/** What the project promises of a figure. */
export interface Target {
  atMost?: number;
  atLeast?: number;
}

/** One figure of a part. */
export interface Row {
  name: string;
  /** Undefined where it could not be measured; `note` says why. */
  value: number | undefined;
  unit: Unit;
  /** Rows with a target make the table at the end. */
  target?: Target;
  isMet?: boolean;
  /** What the figure does not say by itself. */
  note?: string;
}

/** A figure, and whether it keeps its target where it has one. */
export function row(
  name: string,
  value: number,
  unit: Unit,
  more: { target?: Target; note?: string } = {},
): Row {
  const { target, note } = more;
  return {
    name,
    value,
    unit,
    ...(target !== undefined && { target, isMet: keeps(value, target) }),
    ...(note !== undefined && { note }),
  };
}

/** A figure that this machine cannot give, said instead of left out. */
export function missingRow(name: string, unit: Unit, note: string): Row {
  return { name, value: undefined, unit, note };
}

function keeps(
  value: number,
  { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Target,
) {
  return value <= atMost && value >= atLeast;
}
