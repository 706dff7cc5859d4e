import type { Language } from "./language";

// What the codes mean that a group send can be refused with, and what to do.
// Other codes are told in the server's own words.

type Words = Record<Language, { what: string; todo: string }>;

const codes: Record<number, Words> = {
  10002: {
    en: { what: "The server failed", todo: "The request was fine. The sender may repeat it with the same Random. Look at the server's health and log." },
    zh: { what: "服务器出错", todo: "请求本身没有问题，发送方可以用相同的 Random 重试。请查看服务器状态和日志。" },
    ko: { what: "서버 오류", todo: "요청에는 문제가 없습니다. 보낸 쪽은 같은 Random으로 다시 보낼 수 있습니다. 서버 상태와 로그를 확인하세요." },
  },
  10004: {
    en: { what: "A field of the request is missing or wrong", todo: "The sending program has to be corrected. The text names the field." },
    zh: { what: "请求中缺少字段或字段有误", todo: "需要修改发送消息的程序，错误文字中指明了字段。" },
    ko: { what: "요청의 필드가 없거나 잘못됨", todo: "보내는 프로그램을 고쳐야 합니다. 오류 문구에 필드 이름이 있습니다." },
  },
  10007: {
    en: { what: "The sender may not send here", todo: "He is not a member of the group, or the group's type forbids it. Add him to the group, or let him join." },
    zh: { what: "发送者无权在此发送", todo: "发送者不是群成员，或群类型不允许。请将其加入群组。" },
    ko: { what: "보낸 사람에게 권한이 없음", todo: "그룹 멤버가 아니거나 그룹 유형이 허용하지 않습니다. 그룹에 추가하거나 가입하게 하세요." },
  },
  10010: {
    en: { what: "There is no such group", todo: "It was never created, or it was dissolved. Compare the group id with the list of groups." },
    zh: { what: "群组不存在", todo: "该群从未创建或已解散。请与群组列表核对群 ID。" },
    ko: { what: "그룹이 존재하지 않음", todo: "만든 적이 없거나 해산되었습니다. 그룹 목록과 그룹 ID를 비교하세요." },
  },
  10015: {
    en: { what: "The group id is not valid", todo: "The sending program has to give another group id." },
    zh: { what: "群 ID 无效", todo: "发送消息的程序需要提供正确的群 ID。" },
    ko: { what: "그룹 ID가 올바르지 않음", todo: "보내는 프로그램이 올바른 그룹 ID를 사용해야 합니다." },
  },
  10016: {
    en: { what: "Your app's backend refused it", todo: "It answered the before-send question with a refusal. Look at your backend's log for this moment." },
    zh: { what: "被应用后台拒绝", todo: "应用后台在发送前回调中拒绝了该消息。请查看该时刻的后台日志。" },
    ko: { what: "앱 백엔드가 거부함", todo: "보내기 전 콜백에 거부로 답했습니다. 그 시각의 백엔드 로그를 확인하세요." },
  },
  10017: {
    en: { what: "The sender is muted", todo: "Mute of the member, of the account everywhere, or of the whole group. It can be ended on the page of the group or of the user." },
    zh: { what: "发送者被禁言", todo: "可能是群内禁言、账号全局禁言或全员禁言。可在群组页或用户页解除。" },
    ko: { what: "보낸 사람이 음소거됨", todo: "멤버 음소거, 계정 전체 음소거 또는 그룹 전체 음소거입니다. 그룹이나 사용자 페이지에서 풀 수 있습니다." },
  },
  10019: {
    en: { what: "The account does not exist", todo: "Import the account first, or correct From_Account." },
    zh: { what: "账号不存在", todo: "请先导入该账号，或更正 From_Account。" },
    ko: { what: "계정이 존재하지 않음", todo: "먼저 계정을 가져오거나 From_Account를 고치세요." },
  },
  10023: {
    en: { what: "Too many messages within one second", todo: "The group or the sender is over its rate. He may send again a moment later; the limits are in the app's settings." },
    zh: { what: "一秒内消息过多", todo: "群组或发送者超过频率限制。稍后可重发；限额在应用设置中。" },
    ko: { what: "1초 안에 메시지가 너무 많음", todo: "그룹이나 보낸 사람이 한도를 넘었습니다. 잠시 뒤 다시 보낼 수 있고, 한도는 앱 설정에 있습니다." },
  },
  10053: {
    en: { what: "Too many people are mentioned", todo: "The message names more targets in GroupAtInfo than the app's settings allow." },
    zh: { what: "@ 的人数过多", todo: "消息的 GroupAtInfo 目标数超过应用设置的上限。" },
    ko: { what: "멘션이 너무 많음", todo: "메시지의 GroupAtInfo 대상이 앱 설정의 한도보다 많습니다." },
  },
  60002: {
    en: { what: "The HTTP request could not be used", todo: "Wrong method, broken URL, or a body over 1 MB. The sending program has to be corrected." },
    zh: { what: "HTTP 请求无法使用", todo: "方法错误、URL 有误或请求体超过 1 MB。需要修改发送程序。" },
    ko: { what: "HTTP 요청을 사용할 수 없음", todo: "메서드나 URL이 잘못되었거나 본문이 1 MB를 넘습니다. 보내는 프로그램을 고쳐야 합니다." },
  },
  60003: {
    en: { what: "The request is not valid JSON", todo: "The sending program has to be corrected." },
    zh: { what: "请求不是有效的 JSON", todo: "需要修改发送程序。" },
    ko: { what: "요청이 올바른 JSON이 아님", todo: "보내는 프로그램을 고쳐야 합니다." },
  },
  60007: {
    en: { what: "The app sends more calls than it may", todo: "send_group_msg is over the app's API rate. The limit is in the app's settings." },
    zh: { what: "应用调用过于频繁", todo: "send_group_msg 超过应用的 API 频率，限额在应用设置中。" },
    ko: { what: "앱의 호출이 너무 잦음", todo: "send_group_msg가 앱의 API 한도를 넘었습니다. 한도는 앱 설정에 있습니다." },
  },
  60008: {
    en: { what: "The server was too busy", todo: "The message waited more than 2 s for the journal. The sender may repeat it; look at the load and the disk." },
    zh: { what: "服务器过忙", todo: "消息等待写入日志超过 2 秒。发送方可重试；请检查负载和磁盘。" },
    ko: { what: "서버가 너무 바쁨", todo: "저널을 2초 넘게 기다렸습니다. 다시 보낼 수 있으며, 부하와 디스크를 확인하세요." },
  },
  80001: {
    en: { what: "The text contains a filter word", todo: "The word is named below. Words are kept on the page Words of the app." },
    zh: { what: "文本包含敏感词", todo: "下方列出了该词。敏感词在应用的“敏感词”页维护。" },
    ko: { what: "금칙어가 들어 있음", todo: "해당 단어는 아래에 있습니다. 금칙어는 앱의 금칙어 페이지에서 관리합니다." },
  },
  80002: {
    en: { what: "The message is too long", todo: "Its size is over the limit of the app's settings." },
    zh: { what: "消息过长", todo: "消息大小超过应用设置的上限。" },
    ko: { what: "메시지가 너무 김", todo: "크기가 앱 설정의 한도를 넘습니다." },
  },
  80003: {
    en: { what: "Your app's backend did not answer", todo: "The before-send question had no answer in time, and the app's settings say to refuse then. Look at the callback receiver." },
    zh: { what: "应用后台没有应答", todo: "发送前回调没有按时得到应答，而应用设置为此时拒绝。请检查回调接收端。" },
    ko: { what: "앱 백엔드가 답하지 않음", todo: "보내기 전 콜백의 답이 제때 오지 않았고, 앱 설정은 이때 거부하도록 되어 있습니다. 콜백 수신 서버를 확인하세요." },
  },
};

const custom: Words = {
  en: { what: "Your app's backend refused it with a code of its own", todo: "Its words are the text of the error. Look at your backend's log for this moment." },
  zh: { what: "应用后台以自定义错误码拒绝", todo: "错误文字由应用后台给出。请查看该时刻的后台日志。" },
  ko: { what: "앱 백엔드가 자체 코드로 거부함", todo: "오류 문구는 앱 백엔드가 정한 것입니다. 그 시각의 백엔드 로그를 확인하세요." },
};

// explainCode is undefined for a code that no send is refused with.
export function explainCode(code: number, language: Language): { what: string; todo: string } | undefined {
  if (code >= 10100 && code <= 10200) return custom[language];
  return codes[code]?.[language];
}

// general says whether the words of a code also fit a command that is no send.
export function general(code: number): boolean {
  return [10002, 10010, 10015, 10019, 60007, 60008].includes(code);
}

export const refusalCodes: number[] = Object.keys(codes).map(Number);
