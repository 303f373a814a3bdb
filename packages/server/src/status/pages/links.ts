/** Something that there is an address of, by its path below the daemon's. */
export type Target =
  | "/status"
  | "/status/history"
  | `/status/incidents/${string}`
  | "/status/history.rss"
  | "/status/history.atom"
  | "/status/feed.json"
  | "/status/maintenance.ics"
  | "/status/badge.svg"
  | "/status/icon.svg"
  | `/status/badge/${string}.svg`
  | `/api/v2/${string}.json`;

/** How pages name each other. */
export interface Links {
  /** For a page. */
  href(target: Target): string;
  /** For a feed, which is read elsewhere. */
  absolute(target: Target): string;
  /** There are addresses that hold elsewhere. */
  readonly hasOrigin: boolean;
  /** Where one subscribes; absent in files, which take no forms. */
  readonly subscribe?: string;
}

/** As the daemon serves them. @param origin `https://status.example.com` */
export function servedLinks(origin: string): Links {
  return {
    href: (target) => target,
    absolute: (target) => origin + target,
    hasOrigin: true,
    subscribe: "/status/subscribe",
  };
}

/**
 * As files, which find each other wherever they are.
 *
 * @param baseUrl where the files are, without a slash at its end; absent: nobody knows
 * @param depth directories between the file that links and the first
 */
export function fileLinks(baseUrl: string | undefined, depth: number): Links {
  return {
    href: (target) => "../".repeat(depth) + filePath(target),
    absolute: (target) => `${baseUrl ?? ""}/${filePath(target)}`,
    hasOrigin: baseUrl !== undefined,
  };
}

/** `index.html`, `incidents/inc_1.html`, `api/v2/summary.json`. */
export function filePath(target: Target): string {
  if (target === "/status") return "index.html";
  const path = target.replace(/^\/(?:status\/)?/, "");
  return /\.[a-z]+$/.test(path) ? path : `${path}.html`;
}
