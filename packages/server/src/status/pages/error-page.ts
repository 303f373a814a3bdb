import type { IncomingMessage } from "node:http";
import type { SandglassError } from "@sandglass/protocol";
import type { RenderError } from "../../http/error-answer.ts";
import type { Picture } from "../picture.ts";
import { servedLinks } from "./links.ts";
import { FORMS_POLICY, FORMS_REFERRER } from "./style.ts";
import { messagePage } from "./subscription-pages.ts";

/** What a person may run into, in a heading. Whoever is refused for what they are is told nothing of the service, its name included. */
const HEADINGS: Partial<Record<SandglassError["code"], string>> = {
  ROUTE_NOT_FOUND: "There is no such page",
  RATE_LIMITED: "That was too often",
};

const GONE = "The address is not whole, or what was there is too old to be shown.";

/** For people, who come with a browser: a page. Programs get JSON. */
export function errorPage(
  { headers }: Pick<IncomingMessage, "headers">,
  picture: () => Picture,
): RenderError {
  return ({ code, message, hint }) => {
    const heading = HEADINGS[code];
    if (heading === undefined || !String(headers.accept ?? "").includes("text/html")) return undefined;
    const isGone = code === "ROUTE_NOT_FOUND";
    const said = isGone ? [GONE] : [sentence(message), ...(hint === undefined ? [] : [sentence(hint)])];
    const text = messagePage(picture(), servedLinks(""), heading, said);
    // As of every page with a form: what stands in the page itself cannot keep it out of a frame.
    const policy = `${FORMS_POLICY}; frame-ancestors 'none'`;
    return {
      contentType: "text/html; charset=utf-8",
      text,
      headers: { "content-security-policy": policy, "referrer-policy": FORMS_REFERRER },
    };
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
