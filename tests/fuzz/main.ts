/**
 * Fuzzes parsers for as long as one likes:
 *
 *   node tests/fuzz/main.ts 300                        all, five minutes each
 *   node tests/fuzz/main.ts 300 trace-headers          one of them
 *   SANDGLASS_FUZZ_KEEP=1 node tests/fuzz/main.ts 60   and the corpus is replaced by what was found
 *
 * Ends with 1 where a promise was broken, behind the input that broke it.
 */
import { keepInputs, keptInputs } from "./corpus.ts";
import { guidedFuzz } from "./guided-fuzz.ts";
import { TARGETS } from "./targets.ts";

const [seconds = "60", ...names] = process.argv.slice(2);
for (const target of TARGETS) {
  if (names.length > 0 && !names.includes(target.name)) continue;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const started = performance.now();
  const { failure, corpus, ...report } = await guidedFuzz(
    target,
    keptInputs(target.name),
    { ms: Number(seconds) * 1000 },
    seed,
  );
  const took = Math.round((performance.now() - started) / 1000);
  console.log(target.name, JSON.stringify({ seed, seconds: took, ...report, corpus: corpus.length }));
  if (failure !== undefined) {
    console.log(JSON.stringify(failure.input.toString("latin1")));
    console.log(failure.error);
    process.exitCode = 1;
  } else if (process.env.SANDGLASS_FUZZ_KEEP === "1") keepInputs(target.name, corpus);
}
for (const target of TARGETS) await target.close?.();
