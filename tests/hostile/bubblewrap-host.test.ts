import { hostileSuite } from "./hostile-suite.ts";
import { network } from "./themes/network.ts";
import { readingTheHost } from "./themes/reading-the-host.ts";

hostileSuite("bubblewrap", [readingTheHost, network]);
