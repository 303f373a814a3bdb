/** What a sandbox may reach. */
export interface EgressOptions {
  /** What is neither allowed nor denied by name. Default "deny". "allow" is of public addresses, on ports 80 and 443. */
  default?: "deny" | "allow";
  /**
   * Names, `*.name` for those below it, addresses, CIDR blocks, `*` for all that is public; with `:port` or `:*` behind it, else on ports
   * 80 and 443. A private address is reached only where it, or its block, is named here, by a key with the scope "admin".
   */
  allow?: string[];
  /** In the same forms, on all ports where none is named. Wins over `allow`. */
  deny?: string[];
}

/** A sandbox's network. */
export interface NetworkOptions {
  /** Through the proxy on 127.0.0.1:3128 inside. Default: nothing listens, and nothing is reached. */
  egress?: EgressOptions;
}
