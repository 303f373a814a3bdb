import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { findProgram } from "./find-program.ts";

/** What a daemon that is not root has of ids. */
export interface UserMapping {
  /** Arguments of the native helper: what newuidmap and newgidmap are told. Empty for the user's own id alone. */
  argv: string[];
  /** Ids of the user namespace that sandboxes may have, from 1 on. 0: all have the daemon's own. */
  ids: number;
  /** The host's uid that the first of them is. */
  first: number;
  /** Why there are none, and what would give them. */
  reason?: string;
}

/** Ids of the host that follow each other. */
export interface IdBlock {
  first: number;
  count: number;
}

/** What `/etc/subuid` gives to anybody but root, who needs no such file to become any user. */
export function subordinateBlocks(text = read("/etc/subuid")): IdBlock[] {
  return parseBlocks(text).filter(({ owner }) => owner !== "root" && owner !== "0");
}

/** The first block that `/etc/subuid` or `/etc/subgid` gives to one of these names. */
function subordinateIds(text: string, names: readonly string[]): IdBlock | undefined {
  return parseBlocks(text).find(({ owner }) => names.includes(owner));
}

/** Each line: `name or id:first:count`. */
function parseBlocks(text: string): (IdBlock & { owner: string })[] {
  return text.split("\n").flatMap((line) => {
    const [owner = "", first, count] = line.trim().split(":");
    return Number(count) > 0 ? [{ owner, first: Number(first), count: Number(count) }] : [];
  });
}

/** Reads what the administrator gave this user. With ids of its own for each sandbox, no two are the same user to the kernel. */
export function userMapping(): UserMapping {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const names = [userName(), String(uid)];
  const uids = subordinateIds(read("/etc/subuid"), names);
  const gids = subordinateIds(read("/etc/subgid"), names);
  if (findProgram("newuidmap") === undefined || findProgram("newgidmap") === undefined)
    return { argv: [], ids: 0, first: 0, reason: "newuidmap is not installed: apt-get install uidmap" };
  if (uids === undefined || gids === undefined) {
    const line = `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${names[0]}`;
    return {
      argv: [],
      ids: 0,
      first: 0,
      reason: `/etc/subuid or /etc/subgid has no line for this user: ${line}`,
    };
  }
  const ids = Math.min(uids.count, gids.count);
  const map = (own: number, first: number): string[] => ["0", own, 1, 1, first, ids].map(String);
  return { argv: [...map(uid, uids.first), "-", ...map(gid, gids.first)], ids, first: uids.first };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.()); // a uid without an account
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // no such file: nobody has any
  }
}
