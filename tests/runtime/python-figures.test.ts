import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { type Ran, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

/** As much of matplotlib as a cell is asked for; the "image" is the figure's title. */
const MATPLOTLIB = `
import os
os.makedirs("matplotlib")
open("matplotlib/__init__.py", "w").close()
open("matplotlib/figure.py", "w").write('''
class Figure:
    def __init__(self, title): self.title = title
    def __repr__(self): return f"<Figure {self.title}>"
    def savefig(self, file, format, bbox_inches):
        if self.title == "broken": raise RuntimeError("cannot be drawn")
        file.write(f"{format} {self.title}".encode())
''')
open("matplotlib/pyplot.py", "w").write('''
import warnings
from matplotlib.figure import Figure
opened = {}
def subplots(title):
    opened[len(opened) + 1] = made = Figure(title)
    return made
def get_fignums(): return list(opened)
def figure(number): return opened[number]
def close(which): opened.clear()
def show(): warnings.warn("FigureCanvasAgg is non-interactive, and thus cannot be shown")
''')`;

describe("figures of matplotlib", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python" });
    await cell(MATPLOTLIB);
  });
  after(() => host.close());

  const cell = (code: string): Promise<Ran> => run(sandbox, { code, timeoutMs: 30_000 });

  /** The forms of the cell's result, an image as what its bytes say. */
  async function shown(code: string): Promise<Record<string, string> | undefined> {
    const { lines, exit, stderr } = await cell(code);
    assert.deepEqual([exit.code, stderr], [0, ""]);
    const line = lines.find(({ type }) => type === "result");
    if (line?.type !== "result") return undefined;
    const { "image/png": image, ...others } = line.data;
    return {
      ...others,
      ...(image !== undefined && { "image/png": Buffer.from(image, "base64").toString() }),
    };
  }

  test("a figure as the value of a cell is an image", async () => {
    const figure = { "text/plain": "<Figure sales>", "image/png": "png sales" };
    assert.deepEqual(await shown("from matplotlib.figure import Figure\nFigure('sales')"), figure);
    assert.deepEqual(await shown("_"), figure);
  });

  test("what a cell has drawn is its result, without a warning that there is no screen, and not the next one's", async () => {
    assert.deepEqual(await shown("from matplotlib import pyplot as plt\nplt.subplots('drawn')\nplt.show()"), {
      "text/plain": "<Figure drawn>",
      "image/png": "png drawn",
    });
    assert.equal(await shown("kept = 1"), undefined);
  });

  test("a value of its own kind keeps its words beside the image", async () => {
    assert.deepEqual(await shown("plt.subplots('line')\n['a line']"), {
      "text/plain": "['a line']",
      "image/png": "png line",
    });
  });

  test("a figure that cannot be drawn is told on stderr, and the cell's value is there all the same", async () => {
    const ran = await cell("plt.subplots('broken')\n42");
    assert.equal(ran.exit.code, 0);
    assert.match(ran.stderr, /RuntimeError: cannot be drawn/);
    assert.equal(ran.result, "42");
    assert.deepEqual(await shown("43"), { "text/plain": "43" });
  });

  test("a cell that fails shows nothing, and leaves no figure to the next", async () => {
    const ran = await cell("plt.subplots('half')\n1 / 0");
    assert.equal(ran.exit.code, 1);
    assert.equal(ran.result, undefined);
    assert.equal(await shown("x = 1"), undefined);
  });

  test("a module of that name that is another is left alone", async () => {
    const fake = "import sys, types\nsys.modules['matplotlib.pyplot'] = types.ModuleType('x')\n1";
    assert.deepEqual(await shown(fake), { "text/plain": "1" });
  });
});
