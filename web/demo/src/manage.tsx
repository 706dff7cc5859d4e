import { useEffect, useState } from "preact/hooks";
import type { Profile } from "../../client/src/index.ts";
import type { Act } from "./column";
import { useNow } from "./hooks";
import type { User } from "./user";
import { t } from "./words";

const forever = 4294967295;

// Manage has the members, and for owner and admins what they may do to them.
export function Manage(props: { user: User; profile: Profile; act: Act; mine: boolean }) {
  const { user, profile, act } = props;
  const group = profile.GroupId;
  const [open, setOpen] = useState(false);
  const members = user.members(group);
  const now = useNow(open) / 1000;
  const role = profile.SelfInfo?.Role;
  const rules = role === "Owner" || role === "Admin";
  useEffect(() => {
    if (open && user.state.status === "connected") user.loadMembers(group).catch(() => {});
  }, [open, user.state.status]);

  const mute = async (who: string, seconds: number, name: string) => {
    await act(t.muteOf(name, who), "forbid_send_msg", { GroupId: group, Members_Account: [who], MuteTime: seconds });
    await user.loadMembers(group).catch(() => {});
  };
  const muteAll = (on: boolean) => act(on ? t.muteAll : t.unmuteAll, "modify_group_base_info", { GroupId: group, MuteAllMember: on ? "On" : "Off" });
  const allMuted = profile.MuteAllMember === "On";
  return (
    <details class="manage" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{members ? t.members(members.length) : t.manage}</summary>
      <div class="buttons">
        {rules && profile.Type !== "Private" && <button type="button" onClick={() => muteAll(!allMuted)}>{allMuted ? t.unmuteAll : t.muteAll}</button>}
        <button type="button" onClick={() => act(t.leave, "quit_group", { GroupId: group })}>{t.leave}</button>
        {role === "Owner" && props.mine && <button type="button" class="danger" onClick={() => act(t.dissolve, "destroy_group", { GroupId: group })}>{t.dissolve}</button>}
      </div>
      <ul class="plain rows">
        {(members ?? []).map((m) => {
          const muted = m.MuteUntil > now;
          const below = rules && m.Member_Account !== user.id && m.Role === "Member";
          return (
            <li key={m.Member_Account}>
              <span>{m.Member_Account} <small>{t.roles[m.Role] ?? m.Role}</small> {muted && <span class="badge warn">{t.muted}</span>}</span>
              {below && profile.Type !== "Private" && (
                <span class="actions">
                  {muted
                    ? <button type="button" aria-label={t.muteOf(t.unmute, m.Member_Account)} onClick={() => mute(m.Member_Account, 0, t.unmute)}>{t.unmute}</button>
                    : (
                      <>
                        <button type="button" aria-label={t.muteOf(t.mute60, m.Member_Account)} onClick={() => mute(m.Member_Account, 60, t.mute60)}>{t.mute60}</button>
                        <button type="button" aria-label={t.muteOf(t.muteLong, m.Member_Account)} onClick={() => mute(m.Member_Account, forever, t.muteLong)}>{t.muteLong}</button>
                      </>
                    )}
                </span>
              )}
            </li>
          );
        })}
      </ul>
    </details>
  );
}
