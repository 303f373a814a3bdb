import type { ReactNode } from "react";
import type { OutputLine } from "../lib/output-lines.ts";
import { VirtualList } from "./virtual-list.tsx";

const LINE_HEIGHT = 20;

/** Lines of either stream, told apart by their edge and in words for who does not see it. */
export function OutputView({
  lines,
  isFollowing,
}: {
  lines: readonly OutputLine[];
  isFollowing: boolean;
}): ReactNode {
  return (
    <VirtualList
      count={lines.length}
      rowHeight={LINE_HEIGHT}
      label="Output"
      isFollowing={isFollowing}
      row={(index) => <Line line={lines[index] as OutputLine} />}
    />
  );
}

function Line({ line }: { line: OutputLine }): ReactNode {
  return (
    <code className={`line ${line.stream}`} data-stream={line.stream}>
      <bdi dir="ltr">
        {line.parts.map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never change
          <span key={index} className={part.style || undefined}>
            {part.text}
          </span>
        ))}
      </bdi>
    </code>
  );
}
