import type { ReactNode } from "react";
import { count } from "../lib/format.ts";

/** How much differs, in three numbers. */
export function ChangeCounts({
  added = 0,
  modified = 0,
  removed = 0,
}: {
  added?: number | undefined;
  modified?: number | undefined;
  removed?: number | undefined;
}): ReactNode {
  return (
    <span className="change-counts">
      {count(added)} added, {count(modified)} modified, {count(removed)} removed
    </span>
  );
}
