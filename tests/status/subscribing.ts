import assert from "node:assert/strict";
import { callHttp, type HttpAnswer, type TestDaemon } from "@sandglass/testkit";
import type { ReceivedMail } from "./mail-server.ts";

/** What daemons of these tests are told that they are known by. */
export const STATUS_URL = "https://status.example.com";

/** Sends one of the public forms, as a browser does, without a key. */
export function postForm(
  daemon: TestDaemon,
  path: string,
  fields: Record<string, string>,
): Promise<HttpAnswer> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(fields).toString();
  return callHttp(daemon, `POST ${path}`, { apiKey: "", headers, body });
}

/** The link by which a mail's subscription is confirmed, changed and ended, below the daemon's address. */
export function linkIn({ text }: ReceivedMail): string {
  const link = /https:\/\/status\.example\.com(\/status\/subscription\?\S+)/.exec(text)?.[1];
  assert.ok(link, text);
  return link;
}
