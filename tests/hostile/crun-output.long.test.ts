import { hostileSuite } from "./hostile-suite.ts";
import { output } from "./themes/output.ts";

// What carries output is the same behind every wall: tried each time behind bubblewrap.
hostileSuite("crun", [output]);
