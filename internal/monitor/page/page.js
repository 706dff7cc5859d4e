// The page of the monitor. Everything that came from outside is put in with
// textContent, never as HTML.
"use strict";

const maxRows = 100;
const classes = {
  muted: "sender muted",
  frequency: "sent too often",
  content_filter: "content filtered",
  bad_parameter: "wrong parameter",
  none: "other",
};
let latestAt = 0;
let clockOffset = 0; // monitor's clock minus ours, ms

const byId = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");
const now = () => Date.now() + clockOffset;

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const classOf = (name) => (Object.hasOwn(classes, name) ? name : "none");

function since(ms) {
  const s = Math.max(0, Math.round((now() - ms) / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " days";
}

function clock(ms) {
  const at = new Date(ms);
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? time : at.toISOString().slice(5, 10) + " " + time.slice(0, 5);
}

// What the message said, as far as it has words.
function words(body) {
  if (!Array.isArray(body)) return "";
  return body.map((part) => {
    const content = part && part.MsgContent;
    if (part && part.MsgType === "TIMTextElem" && content && typeof content.Text === "string") return content.Text;
    return "[" + String((part && part.MsgType) || "?").replace(/^TIM|Elem$/g, "") + "]";
  }).join(" ").slice(0, 300);
}

function text(value) {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function row(e) {
  const tr = element("tr");
  tr.append(element("td", "", clock(e.ReceivedAt)));
  const why = element("td");
  why.append(element("span", "code " + classOf(e.Class), text(e.ErrorCode)), " " + text(e.ErrorInfo));
  if (e.Refusals > 1) why.append(" ", element("span", "times", "×" + number(e.Refusals)));
  if (e.Text && e.Text !== e.ErrorInfo) why.append(element("small", "", e.Text));
  const sender = element("td", "", text(e.From_Account));
  if (e.Operator_Account && e.Operator_Account !== e.From_Account) {
    sender.append(element("small", "", "sent by " + text(e.Operator_Account)));
  }
  const group = element("td", "", text(e.GroupId));
  group.append(element("small", "", e.Type ? text(e.Type) : "no such group"));
  const message = element("td");
  message.append(element("span", "clip", words(e.MsgBody) || "–"));
  if (e.Backfilled) message.append(element("small", "", "not called back, fetched"));
  if (e.Truncated > 0) message.append(element("small", "", number(e.Truncated) + " bytes cut"));
  tr.append(why, sender, group, message);
  return tr;
}

function show(e) {
  const rows = byId("rows");
  const tr = row(e);
  if (now() - e.ReceivedAt < 5000) tr.className = "new";
  rows.prepend(tr);
  while (rows.children.length > maxRows) rows.lastChild.remove();
  byId("latest").hidden = false;
  byId("empty").hidden = true;
  latestAt = Math.max(latestAt, e.ReceivedAt);
  tick();
}

function tick() {
  byId("last").textContent = latestAt ? since(latestAt) : "–";
}

function showReasons(reasons, total) {
  byId("reasons").hidden = reasons.length === 0;
  byId("reasonList").replaceChildren(...reasons.map((r) => {
    const li = element("li");
    const count = element("span", "count", number(r.Count));
    count.append(element("span", "when", since(r.Last) + " ago"));
    const bar = element("progress", classOf(r.Class));
    bar.max = total;
    bar.value = r.Count;
    bar.setAttribute("aria-label", Math.round(100 * r.Count / total) + " % of all");
    const words = element("span", "text", r.Text);
    words.append(element("span", "class", classes[classOf(r.Class)]));
    li.append(element("span", "code " + classOf(r.Class), r.Code), words, count, bar);
    return li;
  }));
}

const ranges = (list) => list.map((r) => (r.First === r.Last ? number(r.First) : number(r.First) + "–" + number(r.Last))).join(", ");
const events = (n) => number(n) + (n === 1 ? " event" : " events");

// What arrived of an app, as far as its sender tells in headers.
function journalItem(j) {
  const beat = j.Heartbeat;
  let className = "", title = "everything arrived";
  if (j.Epoch === "" || j.LastSequence === 0) {
    className = "unsure";
    title = j.Server ? "nothing was read yet" : "nothing has been sent yet";
  }
  if (beat && beat.Late) {
    className = "bad";
    title = "callbacks are broken: no heartbeat for " + since(beat.At);
  } else if (j.Missing > 0) {
    className = "bad";
    title = "up to " + events(j.Missing) + " missing";
  } else if (j.Fault) {
    className = "bad";
    title = "the server cannot be read";
  }
  const li = element("li", className);
  const line = element("div");
  line.append(element("b", "", "App " + j.SdkAppid), ": " + title);
  li.append(line);
  const details = [];
  if (j.LastSequence > 0) details.push("newest event " + number(j.LastSequence));
  if (j.Complete < j.LastSequence) details.push("complete up to " + number(j.Complete));
  if (beat) details.push("last heartbeat " + since(beat.At) + " ago, every " + number(beat.Interval) + " s");
  else details.push("the sender sends no heartbeats");
  if (j.Server) details.push(events(j.Backfilled) + " fetched from " + j.Server);
  if (j.Tests > 0) details.push(number(j.Tests) + (j.Tests === 1 ? " sample" : " samples"));
  li.append(element("small", "", details.join(" · ")));
  if (j.Lost > 0) {
    li.append(element("small", "lost", "up to " + events(j.Lost) + " lost for good, which the server keeps no more: " + ranges(j.Expired)));
  }
  return li;
}

function showJournals(journals) {
  byId("journals").hidden = journals.length === 0;
  byId("journalList").replaceChildren(...journals.map(journalItem));
}

function journalBanners(journals) {
  const banners = [];
  for (const j of journals) {
    if (j.Heartbeat && j.Heartbeat.Late) {
      banners.push(banner("App " + j.SdkAppid + ": no heartbeat for " + since(j.Heartbeat.At), "One was to come every " + number(j.Heartbeat.Interval) +
        " s. Callbacks are broken: look at the endpoint on the server." + (j.Server ? " What is made meanwhile is fetched." : "")));
    }
    if (j.Missing > 0) {
      banners.push(banner("App " + j.SdkAppid + ": up to " + events(j.Missing) + " missing (" + ranges(j.Gaps) + ")", j.Server ?
        "The sender gave them up. They are being fetched." :
        "The sender gave them up. Have them sent again there, or start the monitor with --server and --server-token to fetch them."));
    }
    if (j.Fault) banners.push(banner("App " + j.SdkAppid + ": missing events cannot be fetched", j.Fault));
  }
  return banners;
}

const help = {
  signature_wrong: "The sender signs with another webhook key than this monitor knows, or something between changed the body.",
  signature_missing: "The sender sends no webhook-signature. Give its endpoint a signing key, or run the monitor without --webhook-key.",
  timestamp_missing: "The sender signs but leaves webhook-id or webhook-timestamp out.",
  timestamp_off: "The clocks of sender and monitor differ too much, or old callbacks are being sent again.",
  sign_wrong: "The sender signs with another callback token than this monitor knows.",
  sign_missing: "The sender does not sign. Give it the callback token, or run the monitor without one.",
  request_time_missing: "The sender signs but leaves RequestTime out.",
  request_time_off: "The clocks of sender and monitor differ too much, or old callbacks are being sent again.",
  sdkappid: "They are for an app that this monitor does not know.",
  store: "The store takes no writes: look at the disk. The sender tries again.",
  panic: "A fault of the monitor; its log has the details. The sender tries again.",
  method: "Callbacks are POST requests. Somebody opened the callback URL in a browser?",
};

function banner(title, detail) {
  const p = element("p", "banner");
  p.append(element("b", "", title));
  if (detail) p.append(element("span", "", detail));
  return p;
}

function showBanners(s) {
  const banners = [];
  if (!s.Writable) banners.push(banner("The store takes no writes", "Callbacks are answered 503 until it does; the sender tries again."));
  for (const r of [...s.Refused].sort((a, b) => b.Last - a.Last)) {
    const noun = r.Count === 1 ? " callback refused: " : " callbacks refused: ";
    banners.push(banner(number(r.Count) + noun + r.Text, (help[r.Reason] || "") + " Latest " + since(r.Last) + " ago."));
  }
  byId("banners").replaceChildren(...banners, ...journalBanners(s.Journals));
}

async function refresh() {
  try {
    const answer = await fetch("api/summary");
    if (!answer.ok) return;
    const s = await answer.json();
    clockOffset = s.Now - Date.now();
    byId("total").textContent = number(s.Total);
    byId("minute").textContent = number(s.Minute);
    byId("reasonCount").textContent = number(s.Reasons.length);
    byId("apps").textContent = (s.Apps.length === 1 ? "App " : "Apps ") + s.Apps.join(", ") +
      (s.Unsigned.length ? " · no signature demanded" + (s.Apps.length > 1 ? " from " + s.Unsigned.join(", ") : "") : "");
    byId("url").textContent = location.origin + s.Callbacks;
    byId("tokenStep").hidden = s.Unsigned.length === s.Apps.length;
    byId("empty").hidden = s.Records > 0;
    for (const r of s.Reasons) latestAt = Math.max(latestAt, r.Last);
    showReasons(s.Reasons, s.Total);
    showJournals(s.Journals);
    showBanners(s);
    tick();
  } catch {
    // The stream shows that the monitor is gone.
  }
}

function connect() {
  const live = byId("live");
  const source = new EventSource("api/stream");
  const say = (className, words) => { live.className = "live " + className; live.textContent = words; };
  source.addEventListener("open", () => say("on", "Live"));
  source.addEventListener("exception", (event) => show(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    say("off", "No connection, trying again");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

async function main() {
  await refresh();
  connect();
  setInterval(() => { if (!document.hidden) refresh(); }, 2000);
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

main();
