import type { IncomingMessage, Server, ServerResponse } from "node:http";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { bindRoutes, type RouteServices, routeNotFound } from "./bind-routes.ts";
import type { Handlers } from "./call.ts";
import { answerError, MethodNotAllowedError } from "./error-answer.ts";
import type { RequestGuard } from "./request-guard.ts";
import { recordOf } from "./request-record.ts";
import { allowedMethods } from "./route-pattern.ts";

/** Longest segment of a path that a route's parameter may be. */
const MAX_SEGMENT_LENGTH = 4096;

/** What a server calls for each request. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The framework's part: routing, and nothing else. Bodies are read and answers written by our own code, which alone
 * knows their kinds.
 *
 * @param server that is listening already; the framework never listens
 * @returns what the server's "request" event is to call
 */
export async function createApp(
  server: Server,
  handlers: Handlers,
  guard: RequestGuard,
  services: RouteServices,
): Promise<RequestListener> {
  let listener: RequestListener | undefined;
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    answerError(error, request.raw, reply.raw, recordOf(request.raw), services.reportInternal);
  };
  const app = fastify({
    serverFactory: (handle) => {
      listener = handle as RequestListener;
      return server;
    },
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_SEGMENT_LENGTH, ignoreTrailingSlash: false },
    frameworkErrors: fail,
  });
  // The framework refuses one without a content type before anybody is told that there is no such route.
  app.addHttpMethod("QUERY", { overrideExisting: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.addHook("onRequest", (request, _reply, done) => {
    guard(request.raw);
    done();
  });
  app.setErrorHandler(fail);
  app.setNotFoundHandler((request, reply) => {
    const [path = ""] = (request.raw.url ?? "").split("?");
    const allowed = allowedMethods(path);
    const error = allowed.length > 0 ? new MethodNotAllowedError(request.method, allowed) : routeNotFound();
    fail(error, request, reply);
  });
  bindRoutes(app, handlers, services);
  await app.ready();
  if (listener === undefined) throw new Error("the framework asked for no server");
  return listener;
}
