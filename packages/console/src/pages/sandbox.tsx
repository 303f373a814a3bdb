import type { ExecInfo, Page, SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { AgainstParent } from "../components/against-parent.tsx";
import { CopyButton } from "../components/copy-button.tsx";
import { DeleteRecord } from "../components/delete-record.tsx";
import { EgressList } from "../components/egress-list.tsx";
import { EventList } from "../components/event-list.tsx";
import { ExecList } from "../components/exec-list.tsx";
import { FileChanges } from "../components/file-changes.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { SandboxActions } from "../components/sandbox-actions.tsx";
import { SandboxFacts } from "../components/sandbox-facts.tsx";
import { SandboxTimeline } from "../components/sandbox-timeline.tsx";
import { type Tab, Tabs } from "../components/tabs.tsx";
import { Usage } from "../components/usage.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useEvents } from "../hooks/use-events.ts";
import { useKin } from "../hooks/use-kin.ts";
import { useRoute, useScope, useTimeRange } from "../hooks/use-route.ts";
import { egressOf, fileChanges } from "../lib/sandbox-record.ts";

const LIVE_MS = 1_500;
const QUIET: ReadonlySet<string> = new Set(["resource.sample", "exec.streamed", "cost.runtime"]);

/** One sandbox: what it is, what it used, what ran in it, what it wrote and reached, how it ended. */
export function SandboxPage({ id }: { id: string }): ReactNode {
  const { query } = useRoute();
  const { isLive } = useTimeRange();
  const isReader = useScope("events:read");
  const base = `/v1/sandboxes/${encodeURIComponent(id)}`;
  const sandbox = useApi<SandboxInfo>(base, isLive ? LIVE_MS : 0);
  const execs = useApi<Page<ExecInfo>>(`${base}/execs?limit=1000`, isLive ? LIVE_MS : 0);
  const { events, error } = useEvents(isReader ? `sandboxId=${encodeURIComponent(id)}` : undefined, isLive);
  const story = useMemo(() => events.filter(({ type }) => !QUIET.has(type)), [events]);
  const files = useMemo(() => fileChanges(events), [events]);
  const egress = useMemo(() => egressOf(events), [events]);
  const { data } = sandbox;
  const kin = useKin(isReader ? data : undefined, events);
  const items = execs.data?.items ?? [];
  const chosen = query.get("exec") ?? items[0]?.id;
  const reload = (): void => {
    sandbox.reload();
    execs.reload();
  };
  const tabs = (of: SandboxInfo): Tab[] => [
    {
      id: "execs",
      title: "Execs",
      count: execs.data?.items.length,
      view: () =>
        execs.data?.items.length === 0 ? (
          <Empty title="Nothing has run in it yet">
            <pre>sandglass exec {id} -- echo hello</pre>
          </Empty>
        ) : (
          <ExecList sandboxId={id} execs={items} chosen={chosen} />
        ),
    },
    { id: "events", title: "Events", count: story.length, view: () => <EventList events={story} /> },
    {
      id: "files",
      title: "Files",
      count: files.length,
      view: () => <FileChanges sandbox={of} files={files} />,
    },
    {
      id: "network",
      title: "Network",
      count: egress.length,
      view: () => <EgressList sandbox={of} events={egress} />,
    },
    ...(of.parentId === undefined || of.state === "terminated"
      ? []
      : [
          {
            id: "changes",
            title: "Changes",
            view: () => <AgainstParent id={id} parentId={of.parentId ?? ""} />,
          },
        ]),
  ];
  return (
    <>
      <h1>
        Sandbox <code>{id}</code> <CopyButton text={id} /> {data !== undefined && <Badge of={data.state} />}{" "}
        {data?.state === "terminated" && (
          <DeleteRecord path={`${base}/record`} what="all that is kept of this sandbox" backTo="/sandboxes" />
        )}
      </h1>
      <ErrorNote error={sandbox.error ?? execs.error ?? error} />
      {data === undefined ? (
        sandbox.isLoading && <p role="status">Loading…</p>
      ) : (
        <>
          <div className="columns">
            <div>
              <SandboxFacts sandbox={data} kin={kin} />
            </div>
            <div>
              <Usage limits={data.limits} events={events} />
            </div>
          </div>
          <SandboxTimeline sandbox={data} execs={items} events={events} chosen={chosen} />
          {data.state !== "terminated" && <SandboxActions sandbox={data} onDone={reload} />}
          <Tabs label="Parts of its record" tabs={tabs(data)} />
        </>
      )}
    </>
  );
}
