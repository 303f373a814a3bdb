import type { KeyInfo, Scope } from "@sandglass/protocol";
import { createContext, useContext, useMemo, useSyncExternalStore } from "react";

const BASE = "/console";
const MOVED = "sandglass:moved";

/** Where the reader is: everything of a view that can be shared stands in its address. */
export interface Route {
  /** Below `/console`, e.g. `/sandboxes/sbx_…`. */
  path: string;
  query: URLSearchParams;
}

export function currentAddress(): string {
  return window.location.pathname + window.location.search;
}

/** @param to below `/console`, with its query */
export function go(to: string, replace = false): void {
  const url = BASE + to;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  window.dispatchEvent(new Event(MOVED));
}

/** Changes fields of the query; undefined and "" take one out. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const { path, query } = parse(currentAddress());
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(text === "" ? path : `${path}?${text}`, true);
}

function parse(address: string): Route {
  const [pathname = "", search = ""] = address.split("?", 2);
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : "/";
  return { path: path === "" ? "/" : path, query: new URLSearchParams(search) };
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("popstate", onChange);
  window.addEventListener(MOVED, onChange);
  return () => {
    window.removeEventListener("popstate", onChange);
    window.removeEventListener(MOVED, onChange);
  };
}

export function useRoute(): Route {
  const address = useSyncExternalStore(subscribe, currentAddress);
  return useMemo(() => parse(address), [address]);
}

export const RANGES: Readonly<Record<string, number>> = {
  "15m": 15 * 60_000,
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 7 * 86_400_000,
};

/** The time range and live mode of the address; `since` undefined is all that is kept. */
export function useTimeRange(): { range: string; sinceMs: number | undefined; isLive: boolean } {
  const { query } = useRoute();
  const range = query.get("range") ?? "1h";
  return { range, sinceMs: RANGES[range], isLive: query.get("live") !== "0" };
}

/** Whoever is signed in. */
export const KeyContext = createContext<Pick<KeyInfo, "orgId" | "scopes">>({ orgId: "", scopes: [] });

/** Whether the key may do that. */
export function useScope(scope: Scope): boolean {
  const { scopes } = useContext(KeyContext);
  return scopes.includes(scope) || scopes.includes("admin");
}

/** Whether the key administers the daemon, and with that the service's status page. */
export function useIsOperator(): boolean {
  const { orgId, scopes } = useContext(KeyContext);
  return orgId === "default" && scopes.includes("admin");
}
