import { ALL_THEMES } from "./all-themes.ts";
import { hostileSuite } from "./hostile-suite.ts";

hostileSuite("gvisor", ALL_THEMES);
