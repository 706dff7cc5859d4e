// Finds things in a page by what people see of them. It stands before the
// expression of every step, in a scope of its own.
var plain = (text) => (text ?? "").replace(/\s+/g, " ").trim();

var shown = (e) => e && e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden";

// An open modal dialog hides the rest from whoever clicks.
var scopes = () => [...document.querySelectorAll("dialog[open]")].reverse().concat([document]);

var all = (selector) => scopes().flatMap((s) => [...s.querySelectorAll(selector)]).filter(shown);

var sees = (text) => plain(document.body?.innerText).toLowerCase().includes(plain(text).toLowerCase());

var visible = (selector) => all(selector)[0];

var button = (text) =>
  all("button, a, summary, [role=button]").find(
    (e) => !e.disabled && (plain(e.innerText) === plain(text) || plain(e.getAttribute("aria-label")) === plain(text)),
  );

// The text of a label without that of the field in it.
var labelText = (label) => {
  const copy = label.cloneNode(true);
  for (const e of copy.querySelectorAll("input, select, textarea, datalist, code, small")) e.remove();
  return plain(copy.textContent);
};

var field = (label) =>
  all("input, select, textarea").find(
    (e) => plain(e.getAttribute("aria-label")) === plain(label) || [...(e.labels ?? [])].some((l) => labelText(l) === plain(label)),
  );

var valueOf = (label) => {
  const e = field(label);
  return e && (e.type === "checkbox" ? String(e.checked) : e.value);
};

var select = (e) => {
  if (!e || e.disabled) return false;
  e.focus();
  e.select?.();
  return document.activeElement === e;
};

var choose = (e, text) => {
  const option = e && [...e.options].find((o) => plain(o.textContent) === plain(text));
  if (!option) return false;
  e.value = option.value;
  e.dispatchEvent(new Event("input", { bubbles: true }));
  e.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
};

// The middle of an element that nothing covers and that does not move: it was
// there already when last looked. What is clicked then notes it.
var last;
var place = (e) => {
  if (!e) return undefined;
  e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = e.getClientRects()[0];
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  const hit = document.elementFromPoint(x, y);
  const before = last;
  last = { e, x, y };
  if (!hit || !e.contains(hit) || before?.e !== e || before.x !== x || before.y !== y) return undefined;
  globalThis.browsertestHit = false;
  addEventListener("click", (click) => { globalThis.browsertestHit = e.contains(click.target); }, { once: true, capture: true });
  return { X: x, Y: y };
};

var overflow = () => {
  const width = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll("body *")]
    .map((e) => ({ e, right: e.getBoundingClientRect().right }))
    .sort((a, b) => b.right - a.right)[0];
  return {
    Pixels: document.documentElement.scrollWidth - width,
    Element: out ? out.e.outerHTML.slice(0, 200) : "",
  };
};

// until resolves to the JSON of a value once it is something, and looks again
// whenever the page changes, is loaded, or gets the focus.
var until = (look) =>
  new Promise((resolve) => {
    const watch = new MutationObserver(check);
    function check() {
      const value = look();
      if (value === undefined || value === null || value === false) return;
      watch.disconnect();
      clearInterval(again);
      resolve(JSON.stringify(value));
    }
    // What no change of the document tells: layout, values, the address.
    const again = setInterval(check, 50);
    watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    check();
  });

