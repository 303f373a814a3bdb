import { RecentMap } from "../projections/otel-recent-map.ts";
import type { SpanKind } from "./span-kind.ts";

/** What was derived from a span, or below it. */
export const MARK = {
  /** What it used was counted. */
  counted: 1,
  /** What a call of a model below it used was counted. */
  countedBelow: 2,
  /** Its failure was told. */
  failureTold: 4,
  /** A failure below it was told. */
  failureBelow: 8,
  /** The body of this tool failed. */
  executionFailed: 16,
} as const;

/** No chain of parents is followed further; one in a circle ends here as well. */
const MAX_STEPS = 64;
const MAX_TOOLS_BELOW = 16;

interface Node {
  /** Undefined while only children of it have come. */
  kind: SpanKind | undefined;
  parent: string;
  marks: number;
  /** Of a tool: its name. */
  tool: string | undefined;
  /** Tools whose calls were told below, with no agent, model or other tool between. */
  toolsBelow: readonly string[];
}

/**
 * Remembers spans of one sender across requests, as far as it takes to count each call once: a child usually comes before its parent, in
 * another request, and one call of a model may have several spans around it that all say what it used. Bounded; what was not seen in
 * a while is forgotten.
 *
 * Marks go up from child to parent, also to parents that have not come yet. A tool and an agent end the way of what was counted: a call
 * of a model below a tool is not the call above it.
 */
export class SpanMemory {
  readonly #nodes: RecentMap<Node>;
  readonly #once: RecentMap<true>;

  /** @param limit spans that are remembered at least; at most twice as many */
  constructor(limit: number) {
    this.#nodes = new RecentMap(limit);
    this.#once = new RecentMap(limit);
  }

  /** False where this identity was there before. */
  isFirst(identity: string): boolean {
    if (this.#once.get(identity) !== undefined) return false;
    this.#once.set(identity, true);
    return true;
  }

  /** @param parent "" of a root. @returns false where this span was there before: the same export again */
  enter(key: string, parent: string, kind: SpanKind): boolean {
    const node = this.#node(key);
    if (node.kind !== undefined) return false;
    node.kind = kind;
    node.parent = parent;
    // What came up to it while it was unknown goes on from here.
    this.#passUp(node);
    return true;
  }

  has(key: string, marks: number): boolean {
    return ((this.#nodes.get(key)?.marks ?? 0) & marks) !== 0;
  }

  /** Whether a span above has one of these marks; a tool or an agent on the way ends the search. */
  isBelow(key: string, marks: number): boolean {
    const above = this.#above(key, (node) => isBoundary(node) || (node.marks & marks) !== 0);
    return above !== undefined && !isBoundary(above) && (above.marks & marks) !== 0;
  }

  /** Marks a span, which may not have come yet, and all above that it concerns. */
  mark(key: string, marks: number): void {
    if (key === "") return;
    const node = this.#node(key);
    node.marks |= marks;
    this.#passUp(node);
  }

  /** False where the call of this tool was told by a span below or above: one call, seen by two instrumentations. */
  isFirstOfTool(key: string, tool: string): boolean {
    const node = this.#node(key);
    node.tool = tool;
    const above = this.#above(key, ({ kind }) => kind !== "other" && kind !== "execution");
    this.#passUp(node);
    return !node.toolsBelow.includes(tool) && above?.tool !== tool;
  }

  /** The nearest span above for which this holds. */
  #above(key: string, holds: (node: Node) => boolean): Node | undefined {
    let node = this.#nodes.get(key);
    for (let steps = 0; node !== undefined && node.parent !== "" && steps < MAX_STEPS; steps++) {
      node = this.#nodes.get(node.parent);
      if (node !== undefined && holds(node)) return node;
    }
    return undefined;
  }

  #passUp(from: Node): void {
    let node = from;
    for (let steps = 0; node.kind !== undefined && node.parent !== "" && steps < MAX_STEPS; steps++) {
      const marks = marksToAbove(node);
      const tools = toolsToAbove(node);
      if (marks === 0 && tools.length === 0) return;
      const parent = this.#node(node.parent);
      const newTools = tools.filter((tool) => !parent.toolsBelow.includes(tool));
      if ((parent.marks | marks) === parent.marks && newTools.length === 0) return;
      parent.marks |= marks;
      parent.toolsBelow = [...parent.toolsBelow, ...newTools].slice(0, MAX_TOOLS_BELOW);
      node = parent;
    }
  }

  #node(key: string): Node {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node: Node = { kind: undefined, parent: "", marks: 0, tool: undefined, toolsBelow: [] };
    this.#nodes.set(key, node);
    return node;
  }
}

function isBoundary({ kind }: Node): boolean {
  return kind === "tool" || kind === "agent";
}

function marksToAbove(node: Node): number {
  const { marks } = node;
  const isCounted = !isBoundary(node) && (marks & (MARK.counted | MARK.countedBelow)) !== 0;
  const hasFailed = (marks & (MARK.failureTold | MARK.failureBelow)) !== 0;
  return (isCounted ? MARK.countedBelow : 0) | (hasFailed ? MARK.failureBelow : 0);
}

function toolsToAbove({ kind, tool, toolsBelow }: Node): readonly string[] {
  if (kind === "tool") return tool === undefined ? [] : [tool];
  return kind === "other" || kind === "execution" ? toolsBelow : [];
}
