/** A configuration that cannot be started with. The message names the option, where it came from and what to change, never a secret. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}
