/** Where the proxy answers inside. */
export const EGRESS_PORT = 3128;

const URL_INSIDE = `http://127.0.0.1:${EGRESS_PORT}`;
const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/** The collector, and whatever the code itself listens on. */
const DIRECT = "localhost,127.0.0.1,::1";

const VARIABLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    NAMES.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, URL_INSIDE]),
  ),
  NO_PROXY: DIRECT,
  no_proxy: DIRECT,
  // Node's own clients look at the others only with this.
  NODE_USE_ENV_PROXY: "1",
};

/** An interpreter of the pool learns them with its first cell: when it was started nobody knew whether it would reach anything. */
export const EGRESS_VARIABLES: readonly string[] = Object.keys(VARIABLES);

/** An environment with what makes programs go through the proxy; what is said in it is kept. */
export function withEgress(env: Readonly<Record<string, string>>): Record<string, string> {
  return { ...VARIABLES, ...env };
}
