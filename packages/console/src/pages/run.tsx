import type { RunDetail, RunModel, RunSandbox } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { CostCard } from "../components/cost-card.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { DeleteRecord } from "../components/delete-record.tsx";
import { EventList } from "../components/event-list.tsx";
import { FileList } from "../components/file-list.tsx";
import { ForkTree } from "../components/fork-tree.tsx";
import { Link } from "../components/link.tsx";
import { Badge, Empty, ErrorNote, Fact } from "../components/notes.tsx";
import { RunStep } from "../components/run-step.tsx";
import { type Tab, Tabs } from "../components/tabs.tsx";
import { useApi } from "../hooks/use-api.ts";
import { MAX_EVENTS, useEvents } from "../hooks/use-events.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { forkTree } from "../lib/fork-tree.ts";
import { clock, cost, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { fileChanges } from "../lib/sandbox-record.ts";

const LIVE_MS = 2_000;
/** Of all that belongs to a run, what tells its story. */
const STORY =
  "run.*,agent.*,cost.llm,sandbox.created,sandbox.terminated,sandbox.forked,sandbox.merged,exec.completed,file.*,network.denied";

const MODELS: readonly Column<RunModel>[] = [
  { title: "Model", cell: ({ model }) => safeText(model, 100) },
  { title: "Calls", cell: ({ calls }) => count(calls), isNumber: true },
  { title: "Tokens in", cell: ({ inputTokens }) => count(inputTokens), isNumber: true },
  { title: "Cached", cell: ({ cachedTokens }) => count(cachedTokens), isNumber: true },
  { title: "Tokens out", cell: ({ outputTokens }) => count(outputTokens), isNumber: true },
  {
    title: "Cost",
    cell: ({ costUsd, unpricedCalls }) => cost(costUsd, unpricedCalls),
    isNumber: true,
  },
];
const SANDBOXES: readonly Column<RunSandbox>[] = [
  { title: "Sandbox", cell: ({ id }) => <code>{id}</code> },
  { title: "State", cell: ({ state, cause }) => <Badge of={cause ?? state} /> },
  { title: "Template", cell: ({ template }) => template },
  { title: "Made", cell: ({ createdAt }) => clock(createdAt) },
  { title: "Execs", cell: ({ execs }) => count(execs), isNumber: true },
  { title: "Failed", cell: ({ failures }) => count(failures), isNumber: true },
  { title: "Cost", cell: ({ costUsd }) => cost(costUsd), isNumber: true },
];

/** A run as a story: what the agent thought and called, what ran, what came of it, and what it cost. */
export function RunPage({ id }: { id: string }): ReactNode {
  const { isLive } = useTimeRange();
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const { data, error } = useApi<RunDetail>(path, isLive ? LIVE_MS : 0);
  const story = useEvents(`runId=${encodeURIComponent(id)}&types=${STORY}`, isLive);
  const files = useMemo(() => fileChanges(story.events), [story.events]);
  const forks = useMemo(
    () => forkTree(story.events).filter(({ parentId }) => parentId !== undefined),
    [story.events],
  );
  const steps = useMemo(() => story.events.filter(({ type }) => type !== "file.read"), [story.events]);
  const tabs: Tab[] = [
    {
      id: "story",
      title: "What happened",
      view: () => (
        <ol className="story">
          {steps.map((event) => (
            <li
              key={event.id}
              className={event.type.startsWith("agent.") || event.type.startsWith("run.") ? "" : "inner"}
            >
              <time>{clock(event.timestamp)}</time>
              <div>
                <RunStep event={event} />
              </div>
            </li>
          ))}
        </ol>
      ),
    },
    {
      id: "sandboxes",
      title: "Sandboxes",
      count: data?.sandboxList.length,
      view: () => (
        <DataTable
          name="run-sandboxes"
          items={data?.sandboxList ?? []}
          columns={SANDBOXES}
          keyOf={(sandbox) => sandbox.id}
          linkTo={(sandbox) => `/sandboxes/${sandbox.id}`}
        />
      ),
    },
    {
      id: "forks",
      title: "Forks",
      // Of a longer story the beginning is not here: there may be more.
      count: story.events.length < MAX_EVENTS ? forks.length : undefined,
      view: () => (
        <ForkTree runId={id} sandboxes={data?.sandboxList ?? []} story={story.events} isLive={isLive} />
      ),
    },
    {
      id: "models",
      title: "Models",
      count: data?.models.length,
      view: () => (
        <DataTable name="models" items={data?.models ?? []} columns={MODELS} keyOf={({ model }) => model} />
      ),
    },
    {
      id: "files",
      title: "Files",
      count: files.length,
      view: () =>
        files.length === 0 ? (
          <Empty title="No file was written or read through the API" />
        ) : (
          <FileList name="run-files" files={files} />
        ),
    },
    {
      id: "events",
      title: "Events",
      count: story.events.length,
      view: () => <EventList events={story.events} />,
    },
  ];
  return (
    <>
      <h1>
        {safeText(data?.name || id, 200)} {data !== undefined && <Badge of={data.status} />}{" "}
        {data !== undefined && data.status !== "running" && (
          <DeleteRecord path={path} what="all that is kept of this run and its sandboxes" backTo="/runs" />
        )}
      </h1>
      <ErrorNote error={error ?? story.error} />
      {data !== undefined && <Totals run={data} />}
      <Tabs label="Parts of the run" tabs={tabs} />
    </>
  );
}

function Totals({ run }: { run: RunDetail }): ReactNode {
  return (
    <>
      <div className="cards">
        <section className="card">
          <h2>Took</h2>
          <p className="big">{duration(run.durationMs)}</p>
          <p className="quiet">from {clock(run.startedAt)}</p>
        </section>
        <CostCard
          llmUsd={run.llmCostUsd}
          llmCalls={run.llmCalls}
          unpricedCalls={run.unpricedCalls}
          runtimeUsd={run.runtimeCostUsd}
          hasUsage={run.sandboxList.some(({ state }) => state === "terminated")}
        />
        <section className="card">
          <h2>Tokens</h2>
          <p className="big">{count(run.inputTokens + run.outputTokens)}</p>
          <p className="quiet">
            {count(run.inputTokens)} in, {count(run.cachedTokens)} of them cached, {count(run.outputTokens)}{" "}
            out
          </p>
        </section>
        <section className="card">
          <h2>Work</h2>
          <p className="big">
            {count(run.execs)} {run.execs === 1 ? "exec" : "execs"}
          </p>
          <p className="quiet">
            {count(run.failures)} failed · {count(run.toolCalls)} tool calls, {count(run.toolErrors)} failed
          </p>
        </section>
      </div>
      <dl className="facts">
        {run.agent !== undefined && <Fact name="Agent">{safeText(run.agent, 100)}</Fact>}
        {run.error !== undefined && <Fact name="Error">{safeText(run.error, 500)}</Fact>}
        <Fact name="Trace">
          <Link to={`/traces/${run.traceId}`}>
            <code>{run.traceId}</code>
          </Link>
        </Fact>
        <Fact name="Run">
          <code>{safeText(run.runId, 100)}</code>
        </Fact>
      </dl>
    </>
  );
}
