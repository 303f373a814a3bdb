import { type ReactNode, useEffect, useState } from "react";
import { callJson, type SessionInfo, SIGNED_OUT } from "./api/api.ts";
import { Shell } from "./components/shell.tsx";
import { KeyContext, useRoute } from "./hooks/use-route.ts";
import { EventsPage } from "./pages/events.tsx";
import { ExporterPage } from "./pages/exporter.tsx";
import { ExportersPage } from "./pages/exporters.tsx";
import { IncidentPage } from "./pages/incident.tsx";
import { LogsPage } from "./pages/logs.tsx";
import { MetricsPage } from "./pages/metrics.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { RunPage } from "./pages/run.tsx";
import { RunsPage } from "./pages/runs.tsx";
import { SandboxPage } from "./pages/sandbox.tsx";
import { SandboxesPage } from "./pages/sandboxes.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { StatusPage } from "./pages/status.tsx";
import { TracePage } from "./pages/trace.tsx";
import { TracesPage } from "./pages/traces.tsx";

/** Who is signed in, and the view that the address names. */
export function App(): ReactNode {
  const { path } = useRoute();
  const [session, setSession] = useState<SessionInfo | "none" | undefined>();
  const isSignIn = path.startsWith("/sign-in");

  useEffect(() => {
    const onSignedOut = (): void => setSession("none");
    window.addEventListener(SIGNED_OUT, onSignedOut);
    return () => window.removeEventListener(SIGNED_OUT, onSignedOut);
  }, []);
  useEffect(() => {
    if (isSignIn) return;
    callJson<SessionInfo>("/console/session").then(setSession, () => setSession("none"));
  }, [isSignIn]);

  if (isSignIn || session === "none") return <SignInPage />;
  if (session === undefined) return <p className="loading">Loading…</p>;
  return (
    <KeyContext value={session.key}>
      <Shell session={session}>
        <View path={path} />
      </Shell>
    </KeyContext>
  );
}

function View({ path }: { path: string }): ReactNode {
  const [, page = "", id] = path.split("/");
  switch (page) {
    case "":
      return <OverviewPage />;
    case "sandboxes":
      return id ? <SandboxPage key={id} id={id} /> : <SandboxesPage />;
    case "runs":
      return id ? <RunPage key={id} id={decodeURIComponent(id)} /> : <RunsPage />;
    case "traces":
      return id ? <TracePage key={id} id={id} /> : <TracesPage />;
    case "metrics":
      return <MetricsPage />;
    case "logs":
      return <LogsPage />;
    case "events":
      return <EventsPage />;
    case "exporters":
      return id ? <ExporterPage key={id} id={decodeURIComponent(id)} /> : <ExportersPage />;
    case "status":
      return id ? <IncidentPage key={id} id={id} /> : <StatusPage />;
    case "settings":
      return <SettingsPage />;
    default:
      return <h1>There is no such view</h1>;
  }
}
