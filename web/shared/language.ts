// The language of a page: chosen by the user and kept in a cookie that the
// server's own pages read too, else what the browser prefers.

export const languages = [
  { tag: "en", name: "English" },
  { tag: "zh", name: "简体中文" },
  { tag: "ko", name: "한국어" },
] as const;

export type Language = (typeof languages)[number]["tag"];

const cookie = "parley_lang";

function known(tag: string | undefined): tag is Language {
  return languages.some((l) => l.tag === tag);
}

export function preferredLanguage(): Language {
  const kept = document.cookie.match(/(?:^|; )parley_lang=([a-z]+)/)?.[1];
  if (known(kept)) return kept;
  for (const wish of navigator.languages) {
    const tag = wish.split("-")[0]?.toLowerCase();
    if (known(tag)) return tag;
  }
  return "en";
}

export function keepLanguage(tag: Language, path: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${tag}; Path=${path}; Max-Age=31536000; SameSite=Strict${secure}`;
}
