import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { command } from "../api";
import { Confirm, Empty, Outcome, Panel, Show, useAction, View } from "../parts";
import { number, t } from "../words";

// maxShown bounds how many words are drawn; the filter finds the others.
const maxShown = 500;

export function WordsView(props: { id: string }) {
  const list = useLoad("words", async (s) => {
    const answer = await command<{ DirtyWordsList: string[] | null }>(props.id, "openim_dirty_words/get", {}, s);
    return (answer.DirtyWordsList ?? []).sort((a, b) => a.localeCompare(b));
  });
  const [text, setText] = useState("");
  const [find, setFind] = useState("");
  const act = useAction();
  const add = (e: Event) => {
    e.preventDefault();
    const words = text.split("\n").map((w) => w.trim()).filter((w) => w !== "");
    void act.run(async () => {
      if (words.length === 0) return t.nothingChanged;
      await command(props.id, "openim_dirty_words/add", { DirtyWordsList: words });
      setText("");
      list.reload();
      return t.words.added(number(words.length));
    });
  };
  const remove = (word: string) => async () => {
    await command(props.id, "openim_dirty_words/delete", { DirtyWordsList: [word] });
    list.reload();
  };
  return (
    <View title={t.tabs.words} lead={t.words.lead}>
      <Panel title={t.words.add}>
        <form onSubmit={add}>
          <div class="field"><label>{t.words.perLine}<textarea name="words" rows={3} value={text} spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} /></label></div>
          <Outcome of={act} />
          <button class="primary" disabled={act.busy}>{t.add}</button>
        </form>
      </Panel>
      <Panel title={list.data ? t.words.count(number(list.data.length)) : t.tabs.words}>
        <Show of={list}>
          {(words) => {
            if (words.length === 0) return <Empty>{t.words.none}</Empty>;
            const found = words.filter((w) => w.toLowerCase().includes(find.trim().toLowerCase()));
            return (
              <>
                <div class="field"><label>{t.words.find}<input type="search" value={find} autocomplete="off" onInput={(e) => setFind(e.currentTarget.value)} /></label></div>
                {found.length === 0 && <Empty>{t.words.notFound}</Empty>}
                <ul class="plain rows words">
                  {found.slice(0, maxShown).map((w) => (
                    <li key={w}><span class="break">{w}</span><Confirm label={t.remove} title={t.words.removeTitle} text={t.words.removeText(w)} danger action={remove(w)} /></li>
                  ))}
                </ul>
                {found.length > maxShown && <p class="dim">{t.onlyFirst(maxShown)}</p>}
              </>
            );
          }}
        </Show>
      </Panel>
    </View>
  );
}
