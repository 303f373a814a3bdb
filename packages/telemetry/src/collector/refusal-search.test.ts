import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RefusalSearch } from "./refusal-search.ts";

interface Request {
  sender: string;
  isPoison: boolean;
}

/** A destination that refuses whatever holds poison. */
class Destination {
  readonly taken = new Set<Request>();
  readonly refused = new Set<Request>();
  /** How many attempts there were when each sender's first request was taken. */
  readonly takenAfter = new Map<string, number>();
  tries = 0;
  readonly #search = new RefusalSearch<Request>(({ sender }) => sender);

  async give(batch: readonly Request[]): Promise<void> {
    const reason = this.#try(batch);
    if (reason === undefined) return;
    await this.#search.isolate(
      batch,
      reason,
      async (part) => this.#try(part),
      (request) => this.refused.add(request),
    );
  }

  #try(part: readonly Request[]): string | undefined {
    this.tries += 1;
    if (part.some(({ isPoison }) => isPoison)) return "400";
    for (const request of part) {
      assert.ok(!this.taken.has(request), "sent twice");
      this.taken.add(request);
      if (!this.takenAfter.has(request.sender)) this.takenAfter.set(request.sender, this.tries);
    }
    return undefined;
  }
}

function batchOf(sender: string, count: number, isPoison: (index: number) => boolean): Request[] {
  return Array.from({ length: count }, (_, index) => ({ sender, isPoison: isPoison(index) }));
}

describe("the search for what a destination refuses", () => {
  test("finds two requests at fault among those of one sender, and all others are taken", async () => {
    const destination = new Destination();
    const batch = batchOf("a", 64, (index) => index === 7 || index === 50);
    await destination.give(batch);
    assert.deepEqual(
      [...destination.refused],
      batch.filter(({ isPoison }) => isPoison),
    );
    assert.equal(destination.taken.size, 62);
  });

  test("gives all neighbours what is theirs before it looks into what one sends", async () => {
    const destination = new Destination();
    const neighbours = Array.from({ length: 15 }, (_, index) => batchOf(`n${index}`, 2, () => false));
    const batch = [...batchOf("hostile", 34, () => true), ...neighbours.flat()];
    await destination.give(batch);
    assert.equal(destination.taken.size, 30);
    assert.equal(destination.refused.size, 34);
    for (const [sender, tries] of destination.takenAfter) assert.ok(tries <= 9, `${sender}: ${tries}`);
  });

  for (const [what, isPoison] of [
    ["nothing else", () => true],
    ["it among what is not", (index: number) => index % 2 === 0],
  ] as const) {
    test(`does not look for long where one sends ${what} again and again`, async () => {
      const destination = new Destination();
      for (let batches = 0; batches < 100; batches++) {
        await destination.give([
          ...batchOf("hostile", 60, isPoison),
          ...batchOf("neighbour", 4, () => false),
        ]);
      }
      assert.equal([...destination.taken].filter(({ sender }) => sender === "neighbour").length, 400);
      assert.equal(destination.taken.size + destination.refused.size, 6_400);
      assert.ok(destination.tries < 800, `${destination.tries} attempts`);
    });
  }
});
