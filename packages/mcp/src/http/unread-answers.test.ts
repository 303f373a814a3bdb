import assert from "node:assert/strict";
import { test } from "node:test";
import { UnreadAnswers } from "./unread-answers.ts";

test("beyond the limit the answer is cut whose reader has been behind for longest, until there is room", () => {
  const unread = new UnreadAnswers(100);
  const cut: string[] = [];
  const answer = (name: string) => () => void cut.push(name);
  const [slow, slower, quick] = [answer("slow"), answer("slower"), answer("quick")];
  unread.add(quick, 10);
  unread.add(slower, 40);
  unread.add(slow, 40);
  unread.take(quick, 10);
  unread.add(quick, 20);
  assert.deepEqual(cut, []);
  unread.add(quick, 1);
  assert.deepEqual(cut, ["slower"]);
  unread.add(quick, 75);
  assert.deepEqual(cut, ["slower", "slow"]);
  // What is left of one that is over counts no more, nor does what it takes afterwards.
  unread.take(slow, 40);
  unread.forget(quick);
  unread.add(slow, 100);
  assert.deepEqual(cut, ["slower", "slow"]);
});
