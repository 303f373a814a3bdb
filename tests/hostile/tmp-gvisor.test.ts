import * as all from "./all-themes.ts";
import { hostileSuite } from "./hostile-suite.ts";
hostileSuite("gvisor", Object.values(all).flat() as never);
