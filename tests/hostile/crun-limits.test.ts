import { hostileSuite } from "./hostile-suite.ts";
import { agentProtocol } from "./themes/agent-protocol.ts";
import { exceedingLimits } from "./themes/exceeding-limits.ts";
import { fillingUp } from "./themes/filling-up.ts";
import { processes } from "./themes/processes.ts";

hostileSuite("crun", [fillingUp, exceedingLimits, agentProtocol, processes]);
