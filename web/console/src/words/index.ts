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
  keepLanguage(tag, "/admin/");
}

// number writes a count with its thousands apart.
export function number(n: number): string {
  return n.toLocaleString("en").replaceAll(",", "\u202f");
}

// actionOf says what a user did in an event of no message.
export function actionOf(e: { Action?: string }): string | undefined {
  return e.Action ? (t.stateActions[e.Action] ?? e.Action) : undefined;
}
