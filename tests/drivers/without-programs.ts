/** On a host without crun and runsc: says as JSON what becomes of those who ask for them. */
import type { SandglassError } from "@sandglass/protocol";
import { run, startRuntime } from "@sandglass/testkit";

await using host = await startRuntime();
const answers: Record<string, unknown> = {};
for (const isolation of ["crun", "gvisor"] as const) {
  await host.create({ isolation }).catch(({ code, hint }: SandglassError) => {
    answers[isolation] = [code, hint];
  });
}
const checks = await host.runtime.checks();
answers.checks = Object.fromEntries(
  checks.filter(({ name }) => name.startsWith("isolation ")).map(({ name, status }) => [name, status]),
);
answers.bubblewrap = (await run(await host.create(), { command: "echo works" })).stdout;
answers.asDefault = await startRuntime({ isolation: "crun" }).catch(({ code }: SandglassError) => code);
console.log(JSON.stringify(answers));
