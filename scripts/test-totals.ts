/**
 * A reporter for `node --test` that keeps the running totals: one line `N passed, N failed` per finished test,
 * so the last line is true also when the run is cut short.
 *
 * A file that holds no test counts as nothing (Node itself counts it as one passed test); a file that fails to
 * load counts as one failed. Skipped and todo tests count as neither.
 */
import { resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";

export default async function* testTotals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    if (data.details.type === "suite" || isSet(data.skip) || isSet(data.todo)) continue;
    const isWholeFile = data.nesting === 0 && data.file !== undefined && resolve(data.name) === data.file;
    if (event.type === "test:fail") failed++;
    else if (!isWholeFile) passed++;
    yield `${passed} passed, ${failed} failed\n`;
  }
}

/** `skip` and `todo` are absent or false when a test is neither, else true or the reason given, even "". */
function isSet(flag: string | boolean | undefined): boolean {
  return flag !== undefined && flag !== false;
}
