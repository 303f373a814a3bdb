import { hostileSuite } from "./hostile-suite.ts";
import { fileApi } from "./themes/file-api.ts";
import { kernelCalls } from "./themes/kernel-calls.ts";
import { network } from "./themes/network.ts";
import { readingTheHost } from "./themes/reading-the-host.ts";

hostileSuite("crun", [kernelCalls, readingTheHost, network, fileApi]);
