import assert from "node:assert/strict";
import { ERROR_STATUS, type ErrorCode } from "@sandglass/protocol";
import type { HttpAnswer } from "@sandglass/testkit";

const REQUEST_ID = /^req_[0-9a-z]{26}$/;
/** Of a stack, of this checkout, of what runs the daemon: in no answer. */
export const INSIDES =
  /\bat \S+ \(|node:internal|\.ts:\d+|node_modules|TypeError|RangeError|ZodError|FST_ERR|fastify/i;

/** An answer as every refusal has to be: of the catalogue, with its status, named in the record, and silent about our insides. */
export function expectRefusal(answer: HttpAnswer, what: string): ErrorCode {
  const { code, message, requestId } = answer.json.error as {
    code: ErrorCode;
    message: string;
    requestId: string;
  };
  assert.equal(ERROR_STATUS[code], answer.status, `${what}: ${answer.text}`);
  assert.match(requestId, REQUEST_ID, what);
  assert.equal(answer.headers["x-request-id"], requestId, what);
  assert.ok(message.length > 0, what);
  assert.doesNotMatch(answer.text, INSIDES, what);
  return code;
}
