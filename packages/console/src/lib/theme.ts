const KEY = "sandglass.theme";
export type Theme = "system" | "light" | "dark";

export function currentTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Keeps the choice where one is given, and shows the page in it. */
export function applyTheme(theme: Theme = currentTheme()): void {
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  document.documentElement.dataset.theme = theme;
}
