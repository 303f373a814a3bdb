import type { IncomingMessage, ServerResponse } from "node:http";
import { refuseRequest } from "./refuse-request.ts";

/** Answers 401. The connection is closed. */
export function refuseWithoutKey(request: IncomingMessage, response: ServerResponse): void {
  refuseRequest(request, response, {
    status: 401,
    message: "no API key of this daemon: send `authorization: Bearer <key>`",
    headers: { "www-authenticate": "Bearer" },
  });
}
