import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import type { KeyUse } from "../keys.ts";
import { ConsoleSessions, PAGE_HEADER } from "./sessions.ts";

const MINUTE_MS = 60_000;
const USE = { key: { id: "key_1", scopes: ["admin"] }, digest: "d" } as unknown as KeyUse;
const UNAUTHORIZED = { code: "UNAUTHORIZED" };

function setUp() {
  const clock = { now: 0 };
  const keyring = { recall: (digest: string) => (digest === USE.digest ? USE : undefined) };
  return { clock, sessions: new ConsoleSessions(keyring, () => clock.now) };
}

function requestWith(cookie: string, pageToken: string): IncomingMessage {
  const headers = { host: "a:1", cookie: `x=y; sandglass_console_1=${cookie}`, [PAGE_HEADER]: pageToken };
  return { headers } as unknown as IncomingMessage;
}

test("a link is over after a minute", () => {
  const { clock, sessions } = setUp();
  const early = sessions.createLink(USE).token;
  const late = sessions.createLink(USE).token;
  clock.now = MINUTE_MS - 1;
  sessions.open(early);
  clock.now = MINUTE_MS;
  assert.throws(() => sessions.open(late), UNAUTHORIZED);
});

test("a session is over after twelve hours, however much it was used", () => {
  const { clock, sessions } = setUp();
  const { cookie, pageToken, expiresAt } = sessions.open(sessions.createLink(USE).token);
  assert.equal(expiresAt, 12 * 60 * MINUTE_MS);
  clock.now = expiresAt - 1;
  assert.equal(sessions.admit(requestWith(cookie, pageToken))?.key.id, "key_1");
  clock.now = expiresAt;
  assert.throws(() => sessions.admit(requestWith(cookie, pageToken)), UNAUTHORIZED);
});

test("what a session has begun is cut at its end, whichever that is, and only once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { clock, sessions } = setUp();
  const begin = () => {
    const { cookie, pageToken, expiresAt } = sessions.open(sessions.createLink(USE).token);
    const request = requestWith(cookie, pageToken);
    const session = sessions.admit(request)?.session ?? assert.fail("it is no session");
    const begun = { request, session, expiresAt, cuts: 0 };
    session.hold(() => begun.cuts++);
    session.hold(() => assert.fail("it had ended by itself"))();
    return begun;
  };
  const [out, expired] = [begin(), begin()];
  sessions.close(out.request);
  assert.deepEqual([out.cuts, expired.cuts, out.session.isOver], [1, 0, true]);
  out.session.hold(() => out.cuts++);
  assert.equal(out.cuts, 2);
  clock.now = expired.expiresAt;
  t.mock.timers.tick(expired.expiresAt);
  assert.deepEqual([out.cuts, expired.cuts, expired.session.isOver], [2, 1, true]);
});

test("one session's page token does not go with another's cookie", () => {
  const { sessions } = setUp();
  const one = sessions.open(sessions.createLink(USE).token);
  const two = sessions.open(sessions.createLink(USE).token);
  assert.throws(() => sessions.admit(requestWith(one.cookie, two.pageToken)), UNAUTHORIZED);
});

test("links that are never used do not pile up", () => {
  const { sessions } = setUp();
  const first = sessions.createLink(USE).token;
  for (let made = 0; made < 1000; made++) sessions.createLink(USE);
  assert.throws(() => sessions.open(first), UNAUTHORIZED);
});
