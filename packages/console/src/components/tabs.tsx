import type { ReactNode } from "react";
import { setQuery, useRoute } from "../hooks/use-route.ts";

export interface Tab {
  id: string;
  title: string;
  count?: number | undefined;
  view(): ReactNode;
}

/** Parts of a view of which one shows; which one stands in the address, as `tab`. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }): ReactNode {
  const { query } = useRoute();
  const chosen = tabs.find(({ id }) => id === query.get("tab")) ?? tabs[0];
  if (chosen === undefined) return null;
  const choose = (tab: Tab | undefined): void => {
    if (tab === undefined) return;
    setQuery({ tab: tab === tabs[0] ? undefined : tab.id });
    document.getElementById(`tab-${tab.id}`)?.focus();
  };
  return (
    <>
      <div
        className="tabs"
        role="tablist"
        aria-label={label}
        onKeyDown={({ key }) => {
          const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
          if (step !== 0) choose(tabs.at((tabs.indexOf(chosen) + step) % tabs.length));
        }}
      >
        {tabs.map((tab) => (
          <button
            key={tab.id}
            id={`tab-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={tab === chosen}
            aria-controls="tab-view"
            tabIndex={tab === chosen ? 0 : -1}
            onClick={() => choose(tab)}
          >
            {tab.title}
            {tab.count !== undefined && <span className="count">{tab.count}</span>}
          </button>
        ))}
      </div>
      <div id="tab-view" role="tabpanel" aria-labelledby={`tab-${chosen.id}`}>
        {chosen.view()}
      </div>
    </>
  );
}
