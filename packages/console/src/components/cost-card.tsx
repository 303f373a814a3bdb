import type { ReactNode } from "react";
import { cost, count } from "../lib/format.ts";

interface CostCardProps {
  /** US dollars, of the calls whose price is known. */
  llmUsd: number;
  llmCalls: number;
  unpricedCalls: number;
  /** US dollars; 0 where the daemon has no rates. */
  runtimeUsd: number;
  /** What sandboxes used was recorded: that it cost nothing says that there are no rates. */
  hasUsage: boolean;
}

/** What models and sandboxes cost, or why that is not known. */
export function CostCard({
  llmUsd,
  llmCalls,
  unpricedCalls,
  runtimeUsd,
  hasUsage,
}: CostCardProps): ReactNode {
  const hasNoRates = hasUsage && runtimeUsd === 0;
  return (
    <section className="card">
      <h2>Cost</h2>
      <p className="big">{cost(llmUsd + runtimeUsd, unpricedCalls)}</p>
      <p className="quiet">
        {llmCalls === 0 ? "no model calls" : `models ${cost(llmUsd, unpricedCalls)}`}
        {unpricedCalls > 0 && `, ${count(unpricedCalls)} of ${count(llmCalls)} calls without a known price`}
        {!hasNoRates && ` · sandboxes ${cost(runtimeUsd)}`}
      </p>
      {hasNoRates && (
        <p className="quiet">
          sandboxes: no rates; <code>costRates</code> in the configuration sets them
        </p>
      )}
    </section>
  );
}
