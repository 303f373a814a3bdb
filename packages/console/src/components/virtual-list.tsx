import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

interface VirtualListProps {
  count: number;
  /** Pixels, the same for all. */
  rowHeight: number;
  label: string;
  /** Goes along with the newest, unless the reader has scrolled away. */
  isFollowing?: boolean;
  /** Scrolls this row into sight when it changes. */
  focusOn?: number | undefined;
  row(index: number): ReactNode;
}

const MARGIN_ROWS = 8;

/** A list of which only what is in sight is in the page: its length costs nothing. */
export function VirtualList({
  count,
  rowHeight,
  label,
  isFollowing,
  focusOn,
  row,
}: VirtualListProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [sight, setSight] = useState({ top: 0, height: 600 });

  const look = (): void => {
    const { current } = frame;
    if (current === null) return;
    isAtEnd.current = current.scrollTop + current.clientHeight >= current.scrollHeight - rowHeight * 2;
    // Within a row nothing else comes into sight: nothing is drawn anew.
    const top = Math.floor(current.scrollTop / rowHeight) * rowHeight;
    const height = current.clientHeight;
    setSight((before) => (before.top === top && before.height === height ? before : { top, height }));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it looks at the element alone
  useEffect(() => {
    const watch = new ResizeObserver(look);
    if (frame.current !== null) watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const { current } = frame;
    if (current !== null && isFollowing && isAtEnd.current) current.scrollTop = count * rowHeight;
  }, [count, isFollowing, rowHeight]);
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null || focusOn === undefined) return;
    const top = focusOn * rowHeight;
    if (top < current.scrollTop || top > current.scrollTop + current.clientHeight - rowHeight * 2) {
      current.scrollTop = top - current.clientHeight / 2;
    }
  }, [focusOn, rowHeight]);

  const first = Math.max(0, Math.floor(sight.top / rowHeight) - MARGIN_ROWS);
  const last = Math.min(count, Math.ceil((sight.top + sight.height) / rowHeight) + 1 + MARGIN_ROWS);
  const rows: ReactNode[] = [];
  for (let index = first; index < last; index++) {
    rows.push(
      <div key={index} className="virtual-row" style={{ top: index * rowHeight, height: rowHeight }}>
        {row(index)}
      </div>,
    );
  }
  return (
    <section
      className="virtual"
      style={{ maxHeight: Math.max(60, count * rowHeight + 18) }}
      ref={frame}
      onScroll={look}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      aria-label={label}
    >
      <div className="virtual-space" style={{ height: count * rowHeight }}>
        {rows}
      </div>
    </section>
  );
}
