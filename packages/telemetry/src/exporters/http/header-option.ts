import { validateHeaderName, validateHeaderValue } from "node:http";
import { SandglassError } from "@sandglass/protocol";

/** An option whose value goes into an HTTP header. Throws INVALID_REQUEST naming the option, never the value. */
export function headerOption(option: string, value: string): string {
  return checked(`${option} has characters that an HTTP header cannot hold`, () => {
    validateHeaderValue(option, value);
    return value;
  });
}

/** A name from an option's headers, in lower case. Throws INVALID_REQUEST for what is none. */
export function headerName(option: string, name: string): string {
  return checked(`${option} has the name ${JSON.stringify(name)}, which is none of an HTTP header`, () => {
    validateHeaderName(name);
    return name.toLowerCase();
  });
}

function checked(complaint: string, check: () => string): string {
  try {
    return check();
  } catch (error) {
    throw new SandglassError("INVALID_REQUEST", complaint, { cause: error });
  }
}
