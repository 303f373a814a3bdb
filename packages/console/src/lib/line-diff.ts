/** Lines around a change that are shown with it. */
const CONTEXT = 3;
/** Texts that differ in more lines are shown as replaced: looking for the shortest way would take seconds, and nobody reads it. */
const MAX_EDITS = 1_000;

export interface DiffLine {
  /** `gap` stands for lines that are the same and left out. */
  kind: "same" | "added" | "removed" | "gap";
  /** Without its line end; of a gap how many there are, in words. */
  text: string;
  /** Its number in either text, from 1; absent where it is not in that one. */
  before?: number;
  after?: number;
  /** The text ends with it, without a line end. */
  isUnended?: boolean;
}

export interface LineDiff {
  /** The changes with the lines around them. */
  lines: DiffLine[];
  added: number;
  removed: number;
  /** Too much differs for the shortest way: what lies between the first and the last change is shown as replaced. */
  isRough: boolean;
}

/** What makes the one text into the other, line by line (Myers' greedy algorithm). */
export function lineDiff(before: string, after: string): LineDiff {
  const [old, now] = [linesOf(before), linesOf(after)];
  const numbers = new Map<string, number>();
  const numbered = (lines: readonly string[]): Int32Array =>
    Int32Array.from(lines, (line) => {
      const known = numbers.get(line) ?? numbers.size;
      numbers.set(line, known);
      return known;
    });
  const [a, b] = [numbered(old), numbered(now)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const [middleA, middleB] = [a.subarray(start, endA), b.subarray(start, endB)];
  const found = shortestWay(middleA, middleB);
  const way = found ?? [
    ...Array<Step>(middleA.length).fill("removed"),
    ...Array<Step>(middleB.length).fill("added"),
  ];
  const steps: Step[] = [
    ...Array<Step>(start).fill("same"),
    ...way,
    ...Array<Step>(a.length - endA).fill("same"),
  ];
  return {
    lines: withContext(written(steps, old, now)),
    added: way.filter((step) => step === "added").length,
    removed: way.filter((step) => step === "removed").length,
    isRough: found === undefined,
  };
}

type Step = "same" | "added" | "removed";

/** Each with its line end: one that lacks it differs from one that has it. */
function linesOf(text: string): string[] {
  const lines = text.split(/(?<=\n)/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** Undefined where it has more than {@link MAX_EDITS} changes. */
function shortestWay(a: Int32Array, b: Int32Array): Step[] | undefined {
  const most = Math.min(a.length + b.length, MAX_EDITS);
  const middle = most + 1;
  /** How far in `a` one gets on each diagonal (how much further in `a` than in `b`), with the edits so far. */
  const furthest = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isDown(furthest, middle, diagonal, edits)
        ? (furthest[middle + diagonal + 1] ?? 0)
        : (furthest[middle + diagonal - 1] ?? 0) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      furthest[middle + diagonal] = x;
      if (x >= a.length && x - diagonal >= b.length) return wayBack(trace, a.length, b.length);
    }
  }
  return undefined;
}

/** Whether the way onto a diagonal goes on in `b` (a line is added), rather than in `a`. */
function isDown(furthest: Int32Array, middle: number, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true;
  if (diagonal === edits) return false;
  return (furthest[middle + diagonal - 1] ?? 0) < (furthest[middle + diagonal + 1] ?? 0);
}

function wayBack(trace: readonly Int32Array[], endX: number, endY: number): Step[] {
  const steps: Step[] = [];
  let [x, y] = [endX, endY];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const furthest = trace[edits] as Int32Array;
    const middle = edits + 1;
    const diagonal = x - y;
    const isAdded = isDown(furthest, middle, diagonal, edits);
    const from = isAdded ? diagonal + 1 : diagonal - 1;
    const fromX = edits === 0 ? 0 : (furthest[middle + from] ?? 0);
    const fromY = edits === 0 ? 0 : fromX - from;
    const edited = edits === 0 ? 0 : 1;
    while (x - fromX > (isAdded ? 0 : edited) && y - fromY > (isAdded ? edited : 0)) {
      steps.push("same");
      x--;
      y--;
    }
    if (edits > 0) steps.push(isAdded ? "added" : "removed");
    [x, y] = [fromX, fromY];
  }
  return steps.reverse();
}

function written(steps: readonly Step[], old: readonly string[], now: readonly string[]): DiffLine[] {
  let [before, after] = [0, 0];
  return steps.map((kind) => {
    const line = (kind === "added" ? now[after] : old[before]) ?? "";
    if (kind !== "added") before++;
    if (kind !== "removed") after++;
    const isUnended = !line.endsWith("\n");
    return {
      kind,
      text: isUnended ? line : line.slice(0, -1),
      ...(kind !== "added" && { before }),
      ...(kind !== "removed" && { after }),
      ...(isUnended && { isUnended }),
    };
  });
}

/** Leaves out what is the same and far from any change. */
function withContext(lines: readonly DiffLine[]): DiffLine[] {
  const isShown = new Uint8Array(lines.length);
  lines.forEach(({ kind }, index) => {
    if (kind !== "same") isShown.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  });
  const shown: DiffLine[] = [];
  let left = 0;
  const gap = (): void => {
    if (left > 0) shown.push({ kind: "gap", text: `${left} ${left === 1 ? "line" : "lines"} the same` });
    left = 0;
  };
  lines.forEach((line, index) => {
    if (isShown[index] === 0) left++;
    else {
      gap();
      shown.push(line);
    }
  });
  gap();
  return shown;
}
