import { hostileSuite } from "./hostile-suite.ts";
import { kernelCalls } from "./themes/kernel-calls.ts";

hostileSuite("bubblewrap", [kernelCalls]);
