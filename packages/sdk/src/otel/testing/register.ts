// What `@opentelemetry/auto-instrumentations-node/register` does, with the one instrumentation that this package meets.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();
process.once("beforeExit", () => void sdk.shutdown());

// Instrumentation takes hold where a module is required; what was patched is then what modules import too.
createRequire(import.meta.url)("node:http");
syncBuiltinESMExports();
