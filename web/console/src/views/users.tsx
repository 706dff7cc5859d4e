import { useState } from "preact/hooks";
import { go } from "../../../shared/router";
import { page } from "../api";
import { Empty, Panel, View } from "../parts";
import { t } from "../words";

export function UsersView(props: { id: string }) {
  const [user, setUser] = useState("");
  return (
    <View title={t.tabs.users}>
      <Panel>
        <form class="line" role="search" onSubmit={(e) => { e.preventDefault(); go(page(props.id, "users", user.trim())); }}>
          <label class="grow">{t.userId}<input type="search" value={user} required autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => setUser(e.currentTarget.value)} /></label>
          <button class="primary">{t.users.open}</button>
        </form>
        <Empty>{t.users.lead}</Empty>
      </Panel>
    </View>
  );
}
