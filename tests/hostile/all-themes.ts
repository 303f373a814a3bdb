import type { Theme } from "./attack.ts";
import { agentProtocol } from "./themes/agent-protocol.ts";
import { exceedingLimits } from "./themes/exceeding-limits.ts";
import { fileApi } from "./themes/file-api.ts";
import { fillingUp } from "./themes/filling-up.ts";
import { kernelCalls } from "./themes/kernel-calls.ts";
import { network } from "./themes/network.ts";
import { output } from "./themes/output.ts";
import { processes } from "./themes/processes.ts";
import { readingTheHost } from "./themes/reading-the-host.ts";

/** Every attack there is, in the order in which `docs/isolation.md` has them. */
export const ALL_THEMES: readonly Theme[] = [
  kernelCalls,
  readingTheHost,
  network,
  fileApi,
  fillingUp,
  exceedingLimits,
  output,
  agentProtocol,
  processes,
];
