import { hostileSuite } from "./hostile-suite.ts";
import { exceedingLimits } from "./themes/exceeding-limits.ts";
import { fillingUp } from "./themes/filling-up.ts";

hostileSuite("bubblewrap", [fillingUp, exceedingLimits]);
