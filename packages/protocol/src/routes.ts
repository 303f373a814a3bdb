import { CONSOLE_ROUTES } from "./routes/console-routes.ts";
import { DELETION_ROUTES } from "./routes/deletion-routes.ts";
import { EXPORTER_ROUTES } from "./routes/exporter-routes.ts";
import { FILE_ROUTES } from "./routes/file-routes.ts";
import { FORK_ROUTES } from "./routes/fork-routes.ts";
import { HOST_ROUTES } from "./routes/host-routes.ts";
import { RECORD_ROUTES } from "./routes/record-routes.ts";
import { SANDBOX_ROUTES } from "./routes/sandbox-routes.ts";
import { STATUS_ROUTES } from "./routes/status-routes.ts";

export type { BodyKind, RouteDefinition } from "./routes/route-definition.ts";

/** The HTTP API as data: bound to handlers in `server/http`, called by the SDK, written to `spec/openapi.json`. */
export const ROUTES = {
  ...SANDBOX_ROUTES,
  ...FORK_ROUTES,
  ...FILE_ROUTES,
  ...RECORD_ROUTES,
  ...DELETION_ROUTES,
  ...EXPORTER_ROUTES,
  ...HOST_ROUTES,
  ...CONSOLE_ROUTES,
  ...STATUS_ROUTES,
} as const;

export type RouteName = keyof typeof ROUTES;
