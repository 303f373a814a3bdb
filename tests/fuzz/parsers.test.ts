/**
 * The parsers of what sandboxes, the network, users and disks say, under coverage-guided fuzzing: the kept inputs, and new ones made of them. What is
 * found is printed as a text of one character for each byte, and belongs into the corpus once it is mended. `SANDGLASS_FUZZ_SECONDS`
 * says for how long each is fuzzed (default a tenth of one; in the long form a minute), `SANDGLASS_FUZZ_SEED` with which inputs.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isLong } from "../long.ts";
import { keptInputs } from "./corpus.ts";
import { guidedFuzz } from "./guided-fuzz.ts";
import { TARGETS } from "./targets.ts";

const seconds = Number(process.env.SANDGLASS_FUZZ_SECONDS ?? (isLong ? 60 : 0.1));
const seed = Number(process.env.SANDGLASS_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

after(async () => {
  for (const target of TARGETS) await target.close?.();
});

for (const target of TARGETS) {
  test(`fuzzing breaks no promise of ${target.name}`, { timeout: (seconds + 60) * 1000 }, async (t) => {
    const kept = keptInputs(target.name);
    assert.ok(kept.length > 0, "it has no corpus");
    const budget = { ms: seconds * 1000, keepsAll: !isLong };
    const { failure, corpus, ...report } = await guidedFuzz(target, kept, budget, seed);
    t.diagnostic(JSON.stringify({ seed, ...report, corpus: corpus.length }));
    if (failure === undefined) return;
    t.diagnostic(JSON.stringify(failure.input.toString("latin1")));
    throw failure.error;
  });
}
