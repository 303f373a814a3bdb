/**
 * Ends the process of a test file when nothing keeps it alive any more, without the clean-up of its handles that Node does there: of two
 * hundred files one was seen to do that for ever, a processor busy, after all its tests had passed. What does keep it alive, a handle
 * that was left open, still does.
 */
import { flushCompileCache } from "node:module";

// In the files' own processes, not in the one that runs them.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  process.once("beforeExit", () => {
    // Behind the listeners of the tests.
    process.on("exit", (code) => {
      flushCompileCache();
      // `reallyExit` is what `process.exit` ends with: it calls no listeners again.
      (process as unknown as { reallyExit(code: number): void }).reallyExit(code);
    });
  });
}
