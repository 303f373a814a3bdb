import type { Terminal } from "../terminal.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;
const CLEAR_LINE = "\r\u001b[K";

/** Shows on a terminal's stderr that `work` is under way; elsewhere nothing. The line is gone when the work is done. */
export async function withSpinner<T>(terminal: Terminal, text: string, work: Promise<T>): Promise<T> {
  if (!terminal.isAnimated) return work;
  let frame = 0;
  // The first frame comes a moment late: what is done at once should not flicker.
  const timer = setInterval(() => {
    const sign = terminal.errorColors.cyan(FRAMES[frame++ % FRAMES.length] ?? "");
    void terminal.writeError(`${CLEAR_LINE}${sign} ${text}`);
  }, FRAME_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (frame > 0) await terminal.writeError(CLEAR_LINE);
  }
}
