import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Board } from "./board.ts";
import type { Component } from "./component-spec.ts";
import { openStatusDatabase } from "./open-status-database.ts";
import { pictureOf, publicPart } from "./picture.ts";
import { StatusDatabase } from "./status-database.ts";

const NOON = Date.parse("2026-04-18T12:00:00Z");
const SECOND = 1000;
const DAY = 86_400_000;
const LONGEST = 60 * SECOND;
const HYSTERESIS = { failuresToOpen: 2, successesToResolve: 3 };

let directory: string;
let path: string;
let asides: string[];
let board: Board;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sandglass-board-"));
  path = join(directory, "status.db");
  asides = [];
  board = openBoard();
});
afterEach(() => {
  board.close();
  rmSync(directory, { recursive: true });
});

test("one failure changes nothing, two in a row open an incident, and it takes three successes to resolve it", () => {
  board.setComponents([component("api")], NOON);
  say("api", "down up down", NOON);
  assert.equal(shown("api"), "operational");
  say("api", "down", NOON + 90 * SECOND);
  assert.equal(shown("api"), "major_outage");
  const [incident] = board.incidents.list(10, true);
  assert.equal(incident?.isAutomatic, true);
  say("api", "up up down up up", NOON + 120 * SECOND);
  assert.equal(shown("api"), "major_outage");
  say("api", "up", NOON + 270 * SECOND);
  assert.equal(shown("api"), "operational");
  assert.equal(board.incidents.get(incident?.id ?? "")?.status, "resolved");
  assert.deepEqual(
    board.changes.read(0).map(({ type }) => type),
    ["incident.opened", "status.changed", "incident.resolved", "status.changed"],
  );
});

test("what fails at about the same time is one incident, which is over when all of it works again", () => {
  board.setComponents([component("a"), component("b")], NOON);
  say("a", "down down", NOON);
  say("b", "down down", NOON);
  const [incident, ...others] = board.incidents.list(10, true);
  assert.deepEqual(others, []);
  assert.deepEqual(Object.keys(incident?.components ?? {}), ["a", "b"]);
  say("a", "up up up", NOON + 60 * SECOND);
  assert.equal(board.incidents.list(10, true).length, 1);
  say("b", "up up up", NOON + 60 * SECOND);
  assert.equal(board.incidents.list(10, true).length, 0);
});

test("an incident that a person has written to is theirs to resolve", () => {
  board.setComponents([component("a")], NOON);
  say("a", "down down", NOON);
  const id = board.incidents.list(1)[0]?.id ?? "";
  board.updateIncident(id, { status: "identified", message: "The disk is full." }, NOON + 40 * SECOND);
  say("a", "up up up", NOON + 60 * SECOND);
  assert.equal(board.incidents.get(id)?.status, "monitoring");
  board.updateIncident(id, { status: "resolved", message: "There is room again." }, NOON + DAY);
  assert.throws(() => board.updateIncident(id, { message: "Once more." }, NOON + DAY), {
    code: "INCIDENT_RESOLVED",
  });
});

test("only time between two probes counts: a pause and a restart are gaps, and a day's end is no seam", () => {
  const before = NOON + 12 * 3_600_000 - 30 * SECOND;
  board.setComponents([component("a")], before);
  say("a", "up up up", before);
  say("a", "up up", before + 10 * 60 * SECOND);
  board.close();
  board = openBoard();
  board.setComponents([component("a")], before + 11 * 60 * SECOND);
  say("a", "up down", before + 11 * 60 * SECOND);
  const days = board.uptime.days(key("a"), before + 12 * 60 * SECOND);
  assert.deepEqual(
    days.map(({ up, down }) => [up, down]),
    [
      [30 * SECOND, 0],
      [60 * SECOND, 30 * SECOND],
    ],
  );
});

test("under maintenance nothing opens an incident, and the time counts as neither up nor down", () => {
  board.setComponents([component("a")], NOON);
  const times = { startsAt: new Date(NOON).toISOString(), endsAt: new Date(NOON + DAY).toISOString() };
  const { id } = board.schedule(
    { title: "Disks", message: "New ones.", components: ["a"], ...times },
    NOON - 1,
  );
  assert.equal(shown("a"), "operational");
  board.tick(NOON);
  assert.equal(shown("a"), "under_maintenance");
  say("a", "down down down", NOON);
  assert.equal(board.incidents.list(10).length, 0);
  assert.equal(board.uptime.days(key("a"), NOON)[0]?.maintenance, 60 * SECOND);
  board.endMaintenance(id, NOON + 100 * SECOND);
  assert.equal(shown("a"), "major_outage");
  assert.equal(board.incidents.list(10, true).length, 1);
});

test("a component that is gone keeps no incident open", () => {
  board.setComponents([component("a"), component("b")], NOON);
  say("b", "down down", NOON);
  board.setComponents([component("a")], NOON + 60 * SECOND);
  assert.equal(board.incidents.list(10, true).length, 0);
});

test("nothing that is public says anything of a hidden component", () => {
  const secret = component("check-secret-plan");
  board.setComponents([component("a"), secret], NOON);
  say("a", "down down", NOON);
  say("check-secret-plan", "down down", NOON, "ECONNREFUSED");
  board.openIncident(
    { title: "Both", message: "Both.", components: { a: "major_outage", [secret.id]: "major_outage" } },
    NOON,
  );
  const whole = pictureOf(board, { title: "T" }, NOON + 60 * SECOND);
  assert.match(JSON.stringify(whole), /secret/);
  const open = publicPart(whole, (id) => board.isPublicComponent(id));
  assert.doesNotMatch(JSON.stringify(open), /secret|ECONNREFUSED/);
  assert.equal(open.incidents.length, 2);
});

test("whoever passes changes on goes on where they were, and one that is new begins with what comes", () => {
  board.setComponents([component("a")], NOON);
  assert.equal(board.changes.place("mail"), 0);
  say("a", "down down", NOON);
  const [first, second] = board.changes.read(board.changes.place("mail"));
  board.changes.commit("mail", first?.position ?? 0);
  assert.equal(board.changes.place("later"), second?.position);
  board.close();
  board = openBoard();
  assert.deepEqual(board.changes.read(board.changes.place("mail")), [second]);
  assert.deepEqual(board.changes.read(board.changes.place("later")), []);
});

test("a damaged file is put aside whole and a new one begun; nobody but its owner may read either", () => {
  board.setComponents([component("a")], NOON);
  board.close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  writeFileSync(path, Buffer.alloc(8192, 7));
  board = openBoard();
  assert.deepEqual(board.incidents.list(10), []);
  assert.equal(asides.length, 1);
  const kept = readdirSync(directory).find((name) => name.includes("set-aside"));
  assert.equal(statSync(join(directory, kept ?? "")).size, 8192);
});

function openBoard(): Board {
  const database = openStatusDatabase(path, (_reason, aside) => asides.push(aside));
  return new Board(new StatusDatabase(database), HYSTERESIS, (id) => !id.includes("secret"));
}

function component(id: string): Component {
  return { id, name: id, group: "Group", isPublic: !id.includes("secret"), isCore: false };
}

/** Probes, half a minute apart. */
function say(id: string, outcomes: string, from: number, reason = "because"): void {
  for (const [index, outcome] of outcomes.split(" ").entries()) {
    const isUp = outcome === "up";
    const observation = isUp
      ? { status: "operational" as const }
      : { status: "major_outage" as const, reason };
    board.observe(id, observation, from + index * 30 * SECOND, LONGEST);
  }
}

function shown(id: string): string | undefined {
  return board.component(id)?.shown;
}

function key(id: string): number {
  return board.component(id)?.key ?? 0;
}
