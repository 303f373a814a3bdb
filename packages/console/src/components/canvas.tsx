import { type ComponentProps, type ReactNode, useEffect, useRef, useState } from "react";

export interface Pen {
  context: CanvasRenderingContext2D;
  /** In pixels of the page. */
  width: number;
  height: number;
  /** A colour of the theme in force, by its custom property. */
  color(name: string): string;
}

interface CanvasProps extends Omit<ComponentProps<"canvas">, "height"> {
  height: number;
  /** Draws everything; a new function draws again. */
  draw(pen: Pen): void;
}

/** A drawing as wide as its place, sharp on any screen, in the colours of the theme. */
export function Canvas({ draw, height, ...rest }: CanvasProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const { current } = canvas;
    if (current === null) return;
    const size = new ResizeObserver(() => setWidth(current.clientWidth));
    size.observe(current);
    const look = new MutationObserver(() => setTheme((turn) => turn + 1));
    look.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      size.disconnect();
      look.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    const { current } = canvas;
    const context = current?.getContext("2d");
    if (current === null || context === null || context === undefined || width === 0) return;
    current.width = width * devicePixelRatio;
    current.height = height * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);
    draw({ context, width, height, color: themeColors(current) });
  }, [draw, width, height, theme]);
  return <canvas ref={canvas} style={{ height }} {...rest} />;
}

/** Custom properties hold `light-dark()`, which a canvas does not understand: the browser works it out. */
function themeColors(element: HTMLElement): (name: string) => string {
  const known = new Map<string, string>();
  const probe = document.createElement("i");
  return (name) => {
    let color = known.get(name);
    if (color === undefined) {
      probe.style.color = `var(--${name})`;
      element.after(probe);
      color = getComputedStyle(probe).color;
      probe.remove();
      known.set(name, color);
    }
    return color;
  };
}
