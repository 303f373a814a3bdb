import { type ReactNode, useEffect, useRef, useState } from "react";
import { type SessionInfo, signOut } from "../api/api.ts";
import { go, RANGES, setQuery, useRoute, useTimeRange } from "../hooks/use-route.ts";
import { bindKeys } from "../lib/keys.ts";
import { applyTheme, currentTheme, type Theme } from "../lib/theme.ts";
import { Link } from "./link.tsx";

export const VIEWS = [
  ["o", "/", "Overview"],
  ["r", "/runs", "Runs"],
  ["s", "/sandboxes", "Sandboxes"],
  ["t", "/traces", "Traces"],
  ["l", "/logs", "Logs"],
  ["e", "/events", "Events"],
  ["m", "/metrics", "Metrics"],
  ["x", "/exporters", "Exporters"],
  ["i", "/status", "Status"],
  ["c", "/settings", "Settings"],
] as const;

/** What stands around every view: where else to go, the time range, live mode, and the keys. */
export function Shell({ session, children }: { session: SessionInfo; children: ReactNode }): ReactNode {
  const { path, query } = useRoute();
  const { range, isLive } = useTimeRange();
  const help = useRef<HTMLDialogElement>(null);
  const top = `/${path.split("/")[1] ?? ""}`;
  const title = VIEWS.find(([, to]) => to === top)?.[2] ?? "Sandglass";

  useEffect(() => {
    document.title = `${title} · Sandglass`;
  }, [title]);
  const views = useRef<HTMLDivElement>(null);
  // Where they stand in one row, the one that is shown may be out of sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view is another link
  useEffect(() => {
    const { current } = views;
    const link = current?.querySelector<HTMLElement>("a[aria-current]");
    if (current === null || !link) return;
    current.scrollLeft = link.offsetLeft - (current.clientWidth - link.offsetWidth) / 2;
  }, [top]);
  useEffect(() => bindKeys({ go: (key) => goTo(key), help: () => help.current?.showModal() }), []);
  const kept = new URLSearchParams(
    [...query].filter(([name]) => name === "range" || name === "live"),
  ).toString();
  const suffix = kept === "" ? "" : `?${kept}`;

  return (
    <div className="shell">
      <a className="skip" href="#view">
        Skip to the view
      </a>
      <nav aria-label="Views">
        <div className="brand">Sandglass</div>
        <div className="views" ref={views}>
          {VIEWS.map(([, to, name]) => (
            <Link key={to} to={`${to}${suffix}`} aria-current={to === top ? "page" : undefined}>
              {name}
            </Link>
          ))}
        </div>
        <div className="who">
          <span title={session.key.scopes.join(" ")}>
            {session.key.name} · {session.key.orgId}
          </span>
          <ThemeChoice />
          <button type="button" onClick={() => void signOut().catch(() => undefined)}>
            Sign out
          </button>
          <button type="button" className="keys" onClick={() => help.current?.showModal()}>
            Keys ?
          </button>
          <small>{session.version}</small>
        </div>
      </nav>
      <div className="main">
        <header>
          <label>
            Time{" "}
            <select value={range} onChange={(event) => setQuery({ range: event.target.value })}>
              {Object.keys(RANGES).map((name) => (
                <option key={name} value={name}>
                  last {name}
                </option>
              ))}
              <option value="all">all</option>
            </select>
          </label>
          <label>
            <input
              type="checkbox"
              checked={isLive}
              onChange={() => setQuery({ live: isLive ? "0" : undefined })}
            />{" "}
            Live
          </label>
        </header>
        <main id="view" tabIndex={-1}>
          {children}
        </main>
      </div>
      <dialog ref={help} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <dl className="facts">
          <dt>/</dt>
          <dd>search</dd>
          <dt>j k</dt>
          <dd>next and previous row; Enter opens it</dd>
          {VIEWS.map(([key, , name]) => [<dt key={key}>g {key}</dt>, <dd key={`${key}-to`}>{name}</dd>])}
          <dt>?</dt>
          <dd>this</dd>
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </div>
  );
}

function goTo(key: string): void {
  const view = VIEWS.find(([known]) => known === key);
  if (view !== undefined) go(view[1]);
}

function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(currentTheme);
  const choose = (next: Theme): void => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <select aria-label="Theme" value={theme} onChange={(event) => choose(event.target.value as Theme)}>
      <option value="system">as the system</option>
      <option value="light">light</option>
      <option value="dark">dark</option>
    </select>
  );
}
