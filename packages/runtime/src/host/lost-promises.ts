import type { Check } from "@sandglass/protocol";
import { type CgroupLayout, execHierarchies } from "./cgroup-layout.ts";

/** What gives an ordinary user's daemon control groups of its own. */
export const DELEGATE = "systemd-run --user --scope -p Delegate=yes sandglass serve (docs/install.md)";

/**
 * What is not kept on this host of what is promised of execs and sandboxes, in words. Limits, forks and users have checks of their own.
 *
 * @param user where the daemon is not root: how many ids its sandboxes may be users of
 */
export function promisesCheck(layout: CgroupLayout, user?: { ids: number }): Check {
  const name = "promises";
  const isUser = user !== undefined;
  const hasIds = isUser && user.ids > 0;
  const hasGroups = execHierarchies(layout).length > 0;
  const canFreeze = layout.unified !== undefined || layout.freezer !== undefined;
  const losses: [isLost: boolean, words: string][] = [
    [!canFreeze, "no sandbox can be paused, and an idle one stays as it is"],
    [!hasGroups, "the end of an exec takes its process group along and nothing that left that"],
    [!hasGroups, "cpuMs and maxRssBytes of an exec are of the whole sandbox meanwhile"],
    [hasGroups && layout.controllers.memory === undefined, "maxRssBytes of a cell is not counted"],
    [!hasGroups || hasIds, "which exec made a connection is not known"],
    [hasIds, "a sandbox has a quarter of the user's watches on files (inotify)"],
    [isUser && !hasIds, "all sandboxes together have a quarter of the user's watches on files (inotify)"],
    [isUser, "in a shortage of memory a sandbox's agent is as likely to be ended as what it runs"],
  ];
  const lost = losses.filter(([isLost]) => isLost).map(([, words]) => words);
  if (lost.length > 0) {
    const hint = isUser && !hasGroups ? DELEGATE : "docs/install.md";
    return { name, status: "warn", detail: `not kept here: ${lost.join("; ")}`, hint };
  }
  return {
    name,
    status: "ok",
    detail:
      "sandboxes can be paused; an exec ends with all that it started; what it used and which connections it made is known",
  };
}
