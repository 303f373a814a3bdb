import { ConfigError, type LoadedConfig } from "../../config.ts";
import { Mailer } from "./mailer.ts";
import type { SubscriptionsOptions } from "./subscriptions.ts";

/**
 * What the configuration says of subscriptions, its secrets filled in.
 *
 * @throws ConfigError for half of what mail needs, a variable that is not set, a URL that is none
 */
export function subscriptionSettings({
  config,
  env,
}: LoadedConfig): Pick<SubscriptionsOptions, "service" | "url" | "mail" | "webhooks"> {
  const { title: service, url, subscriptions } = config.status;
  const { smtp: given, from, webhooks } = subscriptions;
  const address = url?.replace(/\/+$/, "");
  if (given === undefined) return { service, url: address, mail: undefined, webhooks };
  const smtp = typeof given === "string" ? given : env[given.env];
  if (smtp === undefined || smtp === "") {
    const name = (given as { env: string }).env;
    throw invalid("smtp", `it names ${name}, which is not in the environment`);
  }
  if (from === undefined) throw invalid("from", "mail needs a sender");
  if (address === undefined) {
    throw new ConfigError(
      "invalid option status.url: mail to subscribers needs the address of the page, for its links",
    );
  }
  try {
    new Mailer(smtp, from).close();
  } catch {
    // What is wrong with it may quote it, and it holds a password.
    throw invalid("smtp", "it has to be smtp://user:password@host:587 or smtps://…");
  }
  return { service, url: address, mail: { smtp, from }, webhooks };
}

function invalid(option: string, why: string): ConfigError {
  return new ConfigError(`invalid option status.subscriptions.${option}: ${why}`);
}
