import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedHash } from "./keyed-hash.ts";

const KEY = Buffer.from("0706050403020100", "hex");

function hashOf(strings: readonly string[], key = KEY, role = 1): string {
  const hash = new KeyedHash(key);
  for (const text of strings) {
    const bytes = Buffer.from(`..${text}..`);
    hash.add(role, bytes, 2, bytes.length - 2);
  }
  return `${hash.high},${hash.low}`;
}

test("the order of strings makes no difference, their borders and number do", () => {
  assert.equal(hashOf(["a", "bc", "def"]), hashOf(["def", "a", "bc"]));
  const bags = [[], [""], ["", ""], ["abcd"], ["ab", "cd"], ["abc", "d"], ["d", "abc", ""], ["abcd", "abcd"]];
  assert.equal(new Set(bags.map((bag) => hashOf(bag))).size, bags.length);
});

test("every byte, the length, the role and the key make a difference", () => {
  const hashes = new Set<string>();
  let strings = 0;
  for (let length = 0; length <= 20; length++) {
    for (let at = 0; at < Math.max(1, length); at++) {
      for (const letter of ["\0", "a", "\u007f"]) {
        const text =
          "\0".repeat(at) + letter.repeat(Math.min(1, length)) + "\0".repeat(Math.max(0, length - at - 1));
        if (letter === "\0" && at > 0) continue;
        if (length === 0 && letter !== "a") continue;
        hashes.add(hashOf([text]));
        strings++;
      }
    }
  }
  assert.equal(hashes.size, strings);
  assert.notEqual(hashOf(["text"], KEY, 2), hashOf(["text"], KEY, 1));
  assert.notEqual(hashOf(["text"], Buffer.alloc(8)), hashOf(["text"]));
  assert.notEqual(hashOf(["text"], Buffer.alloc(8, 1)), hashOf(["text"], Buffer.alloc(8)));
});

test("both halves of the hashes are spread evenly", () => {
  const hash = new KeyedHash();
  const buckets = [new Uint32Array(256), new Uint32Array(256)];
  for (let index = 0; index < 100_000; index++) {
    const bytes = Buffer.from(`id-${index}`);
    hash.begin(0, 0);
    hash.add(1, bytes, 0, bytes.length);
    buckets[0]![hash.low & 255]!++;
    buckets[1]![hash.high & 255]!++;
  }
  // 391 each are to be expected, give or take 20.
  for (const counts of buckets) assert.ok(Math.min(...counts) > 270 && Math.max(...counts) < 520);
});
