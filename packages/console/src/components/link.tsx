import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from "react";
import { go } from "../hooks/use-route.ts";

/** A link to a view: a real address, which opens in a new tab as any. */
export function Link({
  to,
  children,
  ...rest
}: { to: string; children: ReactNode } & AnchorHTMLAttributes<HTMLAnchorElement>): ReactNode {
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={`/console${to}`} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
