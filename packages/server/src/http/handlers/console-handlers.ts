import { SandglassError } from "@sandglass/protocol";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";

/** Links into the web console. */
export function consoleHandlers({ sessions, loaded }: HandlerServices): Pick<Handlers, "createConsoleLink"> {
  return {
    createConsoleLink: ({ use }) => {
      // A session that could make links could be carried on for ever, and away.
      if (use === undefined || use.session !== undefined) {
        throw new SandglassError("FORBIDDEN", "a link into the console takes the key itself, not a session", {
          hint: "run `sandglass console`",
        });
      }
      if (!loaded.config.console.enabled) {
        throw new SandglassError(
          "UNSUPPORTED_ON_HOST",
          "this daemon serves no console: console.enabled is false",
          {
            hint: "start it without --no-console-enabled, or with console.enabled: true",
          },
        );
      }
      const { token, expiresAt } = sessions.createLink(use);
      return { path: `/console/sign-in#${token}`, expiresAt: new Date(expiresAt).toISOString() };
    },
  };
}
