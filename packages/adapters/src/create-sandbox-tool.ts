import { CodeRunner } from "./code-runner.ts";
import { describeTool, type SandboxTool, type SandboxToolOptions } from "./tool-options.ts";

/** Makes an adapter's answer out of its one part that differs: the form of the tool. */
export function createSandboxTool<Tool>(
  framework: string,
  options: SandboxToolOptions,
  build: (runner: CodeRunner, said: { name: string; description: string }) => Tool,
): SandboxTool<Tool> {
  const said = describeTool(options);
  const runner = new CodeRunner(options, { name: said.name, framework });
  return {
    tool: build(runner, said),
    close: () => runner.close(),
    [Symbol.asyncDispose]: () => runner.close(),
  };
}
