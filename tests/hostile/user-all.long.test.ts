import { ALL_THEMES } from "./all-themes.ts";
import { hostileSuite } from "./hostile-suite.ts";
import { USER_ALONE, USER_WITH_ALL } from "./operator.ts";

for (const isolation of ["bubblewrap", "crun", "gvisor"] as const)
  for (const operator of [USER_WITH_ALL, USER_ALONE]) hostileSuite(isolation, ALL_THEMES, operator);
