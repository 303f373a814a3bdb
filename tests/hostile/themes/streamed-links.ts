import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Attack } from "../attack.ts";
import { inPieces, refusal } from "../file-calls.ts";

const MIB = 1024 * 1024;

/** Reads to the end, with `between` run after the first piece, and counts. Nothing but zeros may come. */
async function zerosOf(stream: AsyncIterable<Uint8Array>, between?: () => Promise<unknown>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) {
    if (bytes === 0) await between?.();
    bytes += chunk.length;
    assert.ok(Buffer.alloc(chunk.length).equals(chunk), "bytes of another file");
  }
  return bytes;
}

/** Symbolic and hard links in the place of what the host reads or writes at the moment. */
export const streamedLinks: readonly Attack[] = [
  {
    name: "links put in the place of a file while it is streamed, in and out: what was promised, or an error",
    async run(scene) {
      const { files } = scene.sandbox;
      const secret = join(scene.host.directory, "secret");
      const links = [`ln -sfn ${secret}`, "ln -f /etc/passwd", "ln -sfn /", "ln -f whole"];
      const passwd = (await scene.run("cat /etc/passwd")).stdout;
      await scene.run("head -c 8M /dev/zero > whole");
      for (const link of links) {
        await scene.run("rm -f f; cp whole f");
        const bytes = await zerosOf(await files.readStream("f"), () => scene.run(`${link} f`));
        assert.equal(bytes, 8 * MIB, link);
      }
      const pieces = [Buffer.alloc(100_000), Buffer.alloc(100_000)];
      for (const link of links) {
        for (const what of [`${link} up`, `for f in .upload-*; do ${link} $f; done`]) {
          await scene.run("rm -rf up; echo old > up");
          const upload = inPieces(pieces, async () => {
            await scene.run(what);
          });
          const answer = await refusal(files.write("up", upload));
          assert.match(answer, /^(ok|FILE_[A-Z_]+)$/, what);
          // Where it was the upload's own file that was exchanged, the link is what is there.
          if (what.endsWith(" up") && answer === "ok")
            assert.ok(Buffer.from(await files.read("up")).equals(Buffer.concat(pieces)), what);
        }
      }
      assert.equal((await scene.run("cat /etc/passwd")).stdout, passwd);
      assert.equal(await zerosOf(await files.readStream("whole")), 8 * MIB);
      assert.equal(readFileSync(secret, "utf8"), scene.host.secrets.file);
    },
  },
  {
    name: "a file that is a link every other moment while it is streamed in and out: its bytes, or an error",
    async run(scene) {
      const { files, execs } = scene.sandbox;
      const secret = join(scene.host.directory, "secret");
      const program = await scene.place("swap");
      await scene.run(`head -c 2M /dev/zero > whole; cp whole f; ln -s ${secret} symbolic; ln whole hard`);
      const answers = new Set<string>();
      for (const link of ["symbolic", "hard"]) {
        const { execId, ended } = await scene.start([program, "/workspace/f", `/workspace/${link}`], "swaps");
        for (let n = 0; n < 6; n++) {
          const reading = async (): Promise<number> => zerosOf(await files.readStream("f"));
          const pieces = [Buffer.alloc(50_000), Buffer.alloc(50_000)];
          const upload = inPieces(pieces, async () => undefined);
          for (const answer of await Promise.all([refusal(reading()), refusal(files.write("f", upload))])) {
            assert.match(answer, /^(ok|FILE_[A-Z_]+)$/);
            answers.add(answer);
          }
        }
        await execs.kill(execId);
        await ended;
      }
      assert.ok(answers.has("ok"), "nothing ever went well");
      assert.equal(await zerosOf(await files.readStream("whole")), 2 * MIB);
      assert.equal(readFileSync(secret, "utf8"), scene.host.secrets.file);
    },
  },
];
