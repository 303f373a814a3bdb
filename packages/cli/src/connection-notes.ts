import type { Terminal } from "./terminal.ts";

/**
 * Says on stderr that the connection to the daemon is lost, and that it is back: silence would look as if nothing happened.
 *
 * @param goingOn what goes on when it is back
 */
export function connectionNotes(
  terminal: Terminal,
  goingOn: string,
): (isConnected: boolean) => Promise<void> {
  const { yellow, dim } = terminal.errorColors;
  return (isConnected) =>
    terminal.note(
      isConnected
        ? dim(`sandglass: the daemon is back: ${goingOn}`)
        : yellow("sandglass: the connection to the daemon is lost: waiting for it"),
    );
}
