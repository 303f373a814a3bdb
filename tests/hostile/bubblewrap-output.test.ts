import { hostileSuite } from "./hostile-suite.ts";
import { agentProtocol } from "./themes/agent-protocol.ts";
import { output } from "./themes/output.ts";

hostileSuite("bubblewrap", [output, agentProtocol]);
