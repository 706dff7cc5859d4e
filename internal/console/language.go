package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// languageCookie keeps the language that somebody chose. The page's script
// reads and writes it too.
const languageCookie = "parley_lang"

// languages are those of the console, the default first. The page's own words
// are in web/console/src/words.
var languages = []struct{ Tag, Name string }{{"en", "English"}, {"zh", "简体中文"}, {"ko", "한국어"}}

// words are those of the login page.
type words struct {
	Title, AdminToken, AdminPassword, LogIn, TokenHint, Language string
	Faults                                                       map[string]string
}

var loginWords = map[string]words{
	"en": {
		Title: "Log in", AdminToken: "Admin token", AdminPassword: "Admin password", LogIn: "Log in", Language: "Language",
		TokenHint: "The server printed it when it started. To choose your own, start it with",
		Faults: map[string]string{
			"unreadable": "The form could not be read.", "many": "Too many wrong tries. Try again in a minute.", "wrong": "That is not it. Try again.",
		},
	},
	"zh": {
		Title: "登录", AdminToken: "管理令牌", AdminPassword: "管理密码", LogIn: "登录", Language: "语言",
		TokenHint: "服务器启动时会打印它。若要自行指定，请在启动时加上",
		Faults: map[string]string{
			"unreadable": "无法读取表单。", "many": "错误次数过多，请一分钟后再试。", "wrong": "不正确，请重试。",
		},
	},
	"ko": {
		Title: "로그인", AdminToken: "관리자 토큰", AdminPassword: "관리자 비밀번호", LogIn: "로그인", Language: "언어",
		TokenHint: "서버가 시작할 때 출력합니다. 직접 정하려면 다음 옵션으로 시작하세요:",
		Faults: map[string]string{
			"unreadable": "양식을 읽을 수 없습니다.", "many": "틀린 시도가 너무 많습니다. 1분 뒤에 다시 시도하세요.", "wrong": "맞지 않습니다. 다시 시도하세요.",
		},
	},
}

// languageOf is the language to answer in: the one chosen just now, which is
// kept for the next time, the one chosen before, or what the browser prefers.
func languageOf(w http.ResponseWriter, r *http.Request, secure bool) string {
	if tag := r.URL.Query().Get("lang"); isLanguage(tag) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: tag, Path: homePath, MaxAge: int(365 * 24 * time.Hour / time.Second),
			Secure: secure, SameSite: http.SameSiteStrictMode,
		})
		return tag
	}
	if c, err := r.Cookie(languageCookie); err == nil && isLanguage(c.Value) {
		return c.Value
	}
	return preferred(r.Header.Get("Accept-Language"))
}

func isLanguage(tag string) bool { _, ok := loginWords[tag]; return ok }

// preferred is the first of our languages in the order of an Accept-Language
// header.
func preferred(header string) string {
	type choice struct {
		tag     string
		quality float64
	}
	var choices []choice
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		quality := 1.0
		if q, found := strings.CutPrefix(strings.TrimSpace(params), "q="); found {
			var err error
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if isLanguage(primary) && quality > 0 {
			choices = append(choices, choice{primary, quality})
		}
	}
	slices.SortStableFunc(choices, func(a, b choice) int { return cmp.Compare(b.quality, a.quality) })
	if len(choices) == 0 {
		return languages[0].Tag
	}
	return choices[0].tag
}
