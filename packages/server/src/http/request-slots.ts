/** Where there is no room for one more request. */
export type NoSlot = "organisation" | "all";

/** How many requests are served at once, of one organisation and of all of them: one that is slow takes nothing from the others. */
export class RequestSlots {
  readonly #perOrganisation: number;
  readonly #total: number;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(perOrganisation: number, total: number) {
    this.#perOrganisation = perOrganisation;
    this.#total = total;
  }

  /** @returns what to call once when the request is over; where there is none, what is full */
  take(orgId: string): (() => void) | NoSlot {
    const taken = this.#taken.get(orgId) ?? 0;
    if (taken >= this.#perOrganisation) return "organisation";
    if (this.#all >= this.#total) return "all";
    this.#taken.set(orgId, taken + 1);
    this.#all++;
    return () => this.#give(orgId);
  }

  #give(orgId: string): void {
    this.#all--;
    const left = (this.#taken.get(orgId) ?? 1) - 1;
    if (left === 0) this.#taken.delete(orgId);
    else this.#taken.set(orgId, left);
  }
}
