import { hostileSuite } from "./hostile-suite.ts";
import { fileApi } from "./themes/file-api.ts";
import { processes } from "./themes/processes.ts";

hostileSuite("bubblewrap", [fileApi, processes]);
