// The theme: the viewer's system's, or one that was chosen and is kept.

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const key = "parley_theme";

export function keptTheme(): Theme {
  const kept = localStorage.getItem(key);
  return themes.find((t) => t === kept) ?? "system";
}

export function wear(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem(key, theme);
}
