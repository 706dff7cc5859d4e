import { keepLanguage, preferredLanguage, type Language } from "../../../shared/language";
import { en } from "./en";
import { ko } from "./ko";
import { zh } from "./zh";

export type Words = typeof en;

const all: Record<Language, Words> = { en, zh, ko };

// The language of the page and its words. Both change at once; the page is
// drawn again by whoever called speak.
export let language: Language = preferredLanguage();
export let t: Words = all[language];

document.documentElement.lang = language;

export function speak(tag: Language): void {
  language = tag;
  t = all[tag];
  document.documentElement.lang = tag;
  keepLanguage(tag, "/");
}
