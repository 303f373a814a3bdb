import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Opens a link that signs somebody in. A command line is visible to every user of the machine, so the browser is given a file that only its
 * user can read, which leads on.
 *
 * @param env of the user's session: without a desktop in it there is no browser to open
 * @returns whether one was
 */
export async function openInBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { XDG_RUNTIME_DIR: directory, DISPLAY, WAYLAND_DISPLAY } = env;
  if (directory === undefined || (DISPLAY ?? WAYLAND_DISPLAY ?? "") === "") return false;
  try {
    // Overwritten by the next: what it says works once, and not for long.
    const file = join(directory, "sandglass-console.html");
    await writeFile(file, redirectTo(url), { mode: 0o600 });
    const opener = spawn("xdg-open", [file], { stdio: "ignore", detached: true, env });
    await once(opener, "spawn");
    opener.unref();
    return true;
  } catch {
    // No xdg-open, or no right to the directory: the link was printed, and that is enough.
    return false;
  }
}

function redirectTo(url: string): string {
  const escaped = url.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${escaped}"><title>Sandglass</title>`;
}
