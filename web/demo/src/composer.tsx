import { useId, useState } from "preact/hooks";
import type { Profile } from "../../client/src/index.ts";
import { clock } from "../../shared/time";
import type { Hello } from "./api";
import { useNow } from "./hooks";
import type { User } from "./user";
import { t } from "./words";

const forever = 4294967295;
const burst = 60;

// Composer sends, and provokes refusals. Who is muted may still try: the
// refusal is what there is to see.
export function Composer(props: { user: User; profile: Profile; hello: Hello }) {
  const { user, profile, hello } = props;
  const group = profile.GroupId;
  const [text, setText] = useState("");
  const hint = useId();
  const { MuteUntil = 0, Role } = profile.SelfInfo ?? {};
  const now = useNow(MuteUntil > 0 && MuteUntil < forever && MuteUntil * 1000 > Date.now() - 2000);
  const mutedHere = MuteUntil * 1000 > now;
  const mutedAll = profile.MuteAllMember === "On" && Role === "Member";
  const mutedAccount = user.accountMutedUntil * 1000 > now;
  const muted = mutedHere || mutedAll || mutedAccount;

  const say = (e: Event) => {
    e.preventDefault();
    if (text.trim() === "") return;
    user.send(group, text);
    setText("");
  };
  const flood = () => {
    for (let i = 1; i <= burst; i++) user.send(group, t.burstText(i));
  };
  const why = mutedAccount ? t.accountMuted : mutedHere ? (MuteUntil === forever ? t.mutedHere : t.mutedUntil(clock(MuteUntil * 1000))) : mutedAll ? t.allMuted : "";
  return (
    <div class="composer">
      <p class="muted-note" role="status">{why}</p>
      <form onSubmit={say}>
        <textarea rows={1} aria-label={t.write(user.id)} placeholder={t.write(user.id)} value={text} onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) say(e); }} />
        <button class="primary">{t.send}</button>
      </form>
      <div class="provoke" role="group" aria-label={t.provoke}>
        <button type="button" onClick={flood}>{t.burst}</button>
        <button type="button" onClick={() => user.send(group, t.wordText(hello.Word))}>{t.word}</button>
        <button type="button" onClick={() => user.send(hello.Gone, t.goneText, group)}>{t.gone}</button>
        <button type="button" disabled={!muted} aria-describedby={hint} title={muted ? undefined : t.mutedOnly} onClick={() => user.send(group, t.mutedText)}>{t.whileMuted}</button>
        <span id={hint} class="hidden">{t.mutedOnly}</span>
      </div>
    </div>
  );
}
