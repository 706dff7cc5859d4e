import { ApiError, Client } from "../../shared/client";
import { explainCode, general } from "../../shared/codes";
import { language, t } from "./words";

export const home = "/admin/";

const client = new Client({
  base: "/admin/api",
  changeHeaders: { "X-Parley-Console": "1" },
  loggedOut: () => {
    const next = location.pathname + location.search;
    location.assign("/admin/login" + (next === home ? "" : "?" + new URLSearchParams({ next })));
  },
});

export const get = client.get.bind(client);
export const call = client.call.bind(client);

const enc = encodeURIComponent;

// app is the API address of an app, page that of its pages here.
export const app = (id: number | string, rest = "") => `/apps/${enc(id)}${rest}`;
export const page = (id: number | string, ...rest: (string | number)[]) => `${home}apps/${enc(id)}${rest.map((r) => "/" + enc(r)).join("")}`;

// command calls a REST command as the app's admin.
export function command<T>(id: number | string, name: string, request: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>("POST", app(id, "/v4/" + name), request, signal);
}

// explainError tells an error in words: ours where there are any, and the
// server's own in any case.
export function explainError(e: unknown): string {
  if (!(e instanceof ApiError)) return e instanceof Error ? e.message : String(e);
  if (e.status === 0) return t.errors.noAnswer(e.info);
  const info = e.info || t.errors.status(e.status);
  if (e.code === 0) return info;
  const words = general(e.code) ? explainCode(e.code, language) : undefined;
  return words ? `${words.what} (${e.code}: ${info})` : t.errors.code(e.code, info);
}
