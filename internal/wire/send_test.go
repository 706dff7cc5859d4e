package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// caller is what a door knows before it reads the body.
func caller() chat.Send {
	return chat.Send{App: 1400000000, Caller: "admin", Platform: "RESTAPI", ClientIP: "192.0.2.7"}
}

const textBody = `[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"}]`

// full has every field that is understood.
const full = `{"GroupId":"@TGS#1","From_Account":"jared","Random":4294967295,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],` +
	`"CloudCustomData":"cloud","MsgPriority":"High","OnlineOnlyFlag":1,"GroupAtInfo":[{"GroupAtAllFlag":1},{"GroupAtAllFlag":0,"GroupAt_Account":"bob"}],` +
	`"To_Account":["ann","bob"],"ForbidCallbackControl":["ForbidBeforeSendMsgCallback","ForbidAfterSendMsgCallback"],` +
	`"SendMsgControl":["NoUnread","NoLastMsg","NoMsgCheck"],"OfflinePushInfo":{"PushFlag":0},"NeedReadReceipt":0,"SupportMessageExtension":1,"TopicId":""}`

// fullSend is what full says.
func fullSend() chat.Send {
	s := caller()
	s.Group, s.From, s.Random, s.Priority, s.OnlineOnly = "@TGS#1", "jared", 4294967295, chat.High, true
	s.Content = chat.Content{Body: []byte(textBody), Cloud: "cloud", HasCloud: true, Size: len("hi") + len("cloud"), Texts: []string{"hi"}}
	s.Mentions = []chat.Mention{{All: true}, {User: "bob"}}
	s.To = []chat.UserID{"ann", "bob"}
	s.NoBeforeSend, s.NoAfterSend, s.NoUnread, s.NoLastMsg, s.NoMsgCheck = true, true, true, true, true
	return s
}

func read(body string) chat.Send {
	s := caller()
	wire.ReadSend([]byte(body), &s)
	return s
}

func wantSend(t *testing.T, got, want chat.Send) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFieldIsRead(t *testing.T) {
	t.Parallel()
	wantSend(t, read(full), fullSend())
}

func TestSmallestSendHasTheDefaults(t *testing.T) {
	t.Parallel()
	want := caller()
	want.Group, want.Random, want.Priority = "g", 0, chat.Normal
	want.Content = chat.Content{Body: []byte(textBody), Size: 2, Texts: []string{"hi"}}
	wantSend(t, read(`{"Random":0,"GroupId":"g","MsgBody":`+textBody+`}`), want)
}

func TestOtherSpellingsOfAFieldAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		change   func(*chat.Send)
	}{
		"older name of the online flag": {`"OnlineOnlyFlag"`, `"MsgOnlineOnlyFlag"`, func(*chat.Send) {}},
		"escaped name":                  {`"Random"`, `"\u0052and\u006fm"`, func(*chat.Send) {}},
		"escaped name in the message":   {`"MsgType"`, `"Msg\u0054ype"`, func(*chat.Send) {}},
		"escaped MsgType":               {`"TIMTextElem"`, `"TIM\u0054extElem"`, func(*chat.Send) {}},
		"escaped word":                  {`"High"`, `"\u0048igh"`, func(*chat.Send) {}},
		"escaped GroupId":               {`"@TGS#1"`, `"\u0040TGS#1"`, func(*chat.Send) {}},
		"lowest priority":               {`"High"`, `"Lowest"`, func(s *chat.Send) { s.Priority = chat.Lowest }},
		"low priority":                  {`"High"`, `"Low"`, func(s *chat.Send) { s.Priority = chat.Low }},
		"normal priority":               {`"High"`, `"Normal"`, func(s *chat.Send) { s.Priority = chat.Normal }},
		"Random 0":                      {`4294967295`, `0`, func(s *chat.Send) { s.Random = 0 }},
		"unknown fields do no harm":     {`{"GroupId"`, `{"x":[{"y":null}],"groupid":5,"RANDOM":"a","GroupId"`, func(*chat.Send) {}},
		"white space":                   {`,"Random":`, " ,\n\"Random\" :\t", func(*chat.Send) {}},
		"unknown words of a list":       {`"NoUnread"`, `"WithMuteNotifications"`, func(s *chat.Send) { s.NoUnread = false }},
		"account beside at all":         {`{"GroupAtAllFlag":1}`, `{"GroupAtAllFlag":1,"GroupAt_Account":""}`, func(*chat.Send) {}},
		"a flag that is null":           {`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":null`, func(s *chat.Send) { s.OnlineOnly = false }},
		"CloudCustomData that is empty": {`"cloud"`, `""`, func(s *chat.Send) { s.Content.Cloud, s.Content.Size = "", 2 }},
		"CloudCustomData that is null":  {`"cloud"`, `null`, func(s *chat.Send) { s.Content.Cloud, s.Content.HasCloud, s.Content.Size = "", false, 2 }},
		"From_Account that is null":     {`"jared"`, `null`, func(s *chat.Send) { s.From = "" }},
		"MsgPriority that is null":      {`"High"`, `null`, func(s *chat.Send) { s.Priority = chat.Normal }},
		"GroupAtInfo that is null":      {`[{"GroupAtAllFlag":1},{"GroupAtAllFlag":0,"GroupAt_Account":"bob"}]`, `null`, func(s *chat.Send) { s.Mentions = nil }},
		"To_Account that is null":       {`["ann","bob"]`, `null`, func(s *chat.Send) { s.To = nil }},
		"To_Account that is empty":      {`["ann","bob"]`, `[]`, func(s *chat.Send) { s.To = nil }},
		"the last GroupId counts":       {`{"GroupId"`, `{"GroupId":"other","GroupId"`, func(*chat.Send) {}},
		"the last To_Account counts":    {`"To_Account"`, `"To_Account":["old"],"To_Account"`, func(*chat.Send) {}},
		"the last GroupAtInfo counts":   {`"GroupAtInfo"`, `"GroupAtInfo":[{"GroupAt_Account":"old"}],"GroupAtInfo"`, func(*chat.Send) {}},
		"the last MsgBody counts":       {`"MsgBody"`, `"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"older"}}],"MsgBody"`, func(*chat.Send) {}},
		"the last MsgContent counts":    {`"MsgContent"`, `"MsgContent":{"Text":"older"},"MsgContent"`, func(*chat.Send) {}},
		"the last Text counts":          {`{"Text"`, `{"Text":"older","\u0054ext":"old","Text"`, func(*chat.Send) {}},
		"U+0000 in a text": {`"hi"`, `"a\u0000b"`, func(s *chat.Send) {
			s.Content.Body, s.Content.Texts, s.Content.Size = []byte(strings.Replace(textBody, "hi", `a\u0000b`, 1)), []string{"a\x00b"}, 3+5
		}},
		"U+0000 in CloudCustomData": {`"cloud"`, `"a\u0000b"`, func(s *chat.Send) { s.Content.Cloud, s.Content.Size = "a\x00b", 2+3 }},
		"half of a pair": {`"hi"`, `"\ud83e"`, func(s *chat.Send) {
			s.Content.Body, s.Content.Texts, s.Content.Size = []byte(strings.Replace(textBody, "hi", "�", 1)), []string{"�"}, 3+5
		}},
		"nesting of 64": {`"TopicId":""`, `"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63), func(*chat.Send) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fullSend()
			c.change(&want)
			wantSend(t, read(replaced(t, full, c.old, c.new)), want)
		})
	}
}

func replaced(t *testing.T, s, old, new string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%s is %d times in %s", old, strings.Count(s, old), s)
	}
	return strings.Replace(s, old, new, 1)
}

func TestWhatIsNoJSONObjectIs60003AndEmpty(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                    "",
		"white space":              " \n",
		"null":                     "null",
		"array":                    "[" + full + "]",
		"string":                   `"GroupId"`,
		"number":                   "1",
		"text":                     "GroupId=g&Random=1",
		"cut off":                  full[:len(full)-1],
		"more behind":              full + "x",
		"two objects":              full + full,
		"comment":                  "{// GroupId\n" + full[1:],
		"single quotes":            strings.ReplaceAll(full, `"`, `'`),
		"invalid UTF-8 in a value": strings.Replace(full, "hi", "\xff", 1),
		"invalid UTF-8 in a name":  strings.Replace(full, "{", "{\"\xc3\x28\":1,", 1),
		"surrogate as UTF-8":       strings.Replace(full, "hi", "\xed\xa0\x80", 1),
		"byte order mark":          "\ufeff" + full,
		"raw U+0000":               strings.Replace(full, "hi", "\x00", 1),
		"raw line feed":            strings.Replace(full, "hi", "\n", 1),
		"bad escape":               strings.Replace(full, "hi", `\q`, 1),
		"leading zero":             strings.Replace(full, "4294967295", "01", 1),
		"nesting of 65":            strings.Replace(full, `"TopicId":""`, `"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64), 1),
		"nesting of 65 inside":     strings.Replace(full, `"hi"`, strings.Repeat(`{"a":`, 61)+"1"+strings.Repeat("}", 61), 1),
		"nesting of a million":     strings.Repeat("[", 1<<20),
		"deep objects":             strings.Repeat(`{"MsgBody":`, 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := caller()
			want.Priority = chat.Normal
			want.Fault = &chat.Refusal{Code: api.CodeJSONParse, Info: "json parse error"}
			wantSend(t, read(body), want)
		})
	}
}

func TestFaultNamesTheFieldAndTheRestIsThereAllTheSame(t *testing.T) {
	t.Parallel()
	const (
		random  = "Random must be an integer from 0 to 4294967295"
		content = `{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}`
		at      = `[{"GroupAtAllFlag":1},{"GroupAtAllFlag":0,"GroupAt_Account":"bob"}]`
	)
	body := func(canonical string, size int, texts ...string) func(*chat.Send) {
		return func(s *chat.Send) {
			s.Content.Body, s.Content.Size, s.Content.Texts = []byte(canonical), size+len("cloud"), texts
			if canonical == "" {
				s.Content.Body = nil
			}
		}
	}
	asSent := func(*chat.Send) {}
	noGroup := func(s *chat.Send) { s.Group = "" }
	noFrom := func(s *chat.Send) { s.From = "" }
	noRandom := func(s *chat.Send) { s.Random = 0 }
	noCloud := func(s *chat.Send) { s.Content.Cloud, s.Content.HasCloud, s.Content.Size = "", false, 2 }
	normal := func(s *chat.Send) { s.Priority = chat.Normal }
	offline := func(s *chat.Send) { s.OnlineOnly = false }
	mentions := func(list ...chat.Mention) func(*chat.Send) { return func(s *chat.Send) { s.Mentions = list } }
	to := func(list ...chat.UserID) func(*chat.Send) { return func(s *chat.Send) { s.To = list } }
	asked := func(s *chat.Send) { s.NoBeforeSend, s.NoAfterSend = false, false }
	control := func(s *chat.Send) { s.NoUnread, s.NoLastMsg, s.NoMsgCheck = false, false, false }

	for name, c := range map[string]struct {
		old, new string // in full
		info     string
		change   func(*chat.Send) // what is not as in full
	}{
		"GroupId missing":           {`"GroupId":"@TGS#1",`, ``, "GroupId is required", noGroup},
		"GroupId number":            {`"@TGS#1"`, `1`, "GroupId must be a string", noGroup},
		"GroupId null":              {`"@TGS#1"`, `null`, "GroupId must be a string", noGroup},
		"GroupId array":             {`"@TGS#1"`, `["@TGS#1"]`, "GroupId must be a string", noGroup},
		"GroupId in another case":   {`"GroupId"`, `"groupId"`, "GroupId is required", noGroup},
		"From_Account number":       {`"jared"`, `1`, "From_Account must be a string", noFrom},
		"From_Account object":       {`"jared"`, `{}`, "From_Account must be a string", noFrom},
		"Random missing":            {`"Random":4294967295,`, ``, "Random is required", noRandom},
		"Random in another case":    {`"Random"`, `"random"`, "Random is required", noRandom},
		"Random negative":           {`4294967295`, `-1`, random, noRandom},
		"Random minus zero":         {`4294967295`, `-0`, random, noRandom},
		"Random fractional":         {`4294967295`, `1.5`, random, noRandom},
		"Random with a zero behind": {`4294967295`, `1.0`, random, noRandom},
		"Random with an exponent":   {`4294967295`, `1e3`, random, noRandom},
		"Random text":               {`4294967295`, `"1"`, random, noRandom},
		"Random one too large":      {`4294967295`, `4294967296`, random, noRandom},
		"Random beyond 64 bits":     {`4294967295`, `18446744073709551617`, random, noRandom},
		"Random of 100 digits":      {`4294967295`, strings.Repeat("9", 100), random, noRandom},
		"Random null":               {`4294967295`, `null`, random, noRandom},
		"Random true":               {`4294967295`, `true`, random, noRandom},
		"Random array":              {`4294967295`, `[1]`, random, noRandom},

		"MsgBody missing":    {`"MsgBody":[` + content + `],`, ``, "MsgBody is required", body("", 0)},
		"MsgBody null":       {`[` + content + `]`, `null`, "MsgBody must be an array", body("", 0)},
		"MsgBody object":     {`[` + content + `]`, content, "MsgBody must be an array", body("", 0)},
		"MsgBody text":       {`[` + content + `]`, `"hi"`, "MsgBody must be an array", body("", 0)},
		"MsgBody number":     {`[` + content + `]`, `18446744073709551617`, "MsgBody must be an array", body("", 0)},
		"MsgBody empty":      {`[` + content + `]`, `[ ]`, "MsgBody is empty", body("[]", 0)},
		"element null":       {`[` + content + `]`, `[null,"x"]`, "MsgBody must be an array of objects", body("", 0)},
		"element array":      {`[` + content + `]`, `[[` + content + `]]`, "MsgBody must be an array of objects", body("", 0)},
		"element empty":      {content, `{}`, "MsgType is required", body(`[{}]`, 0)},
		"MsgType missing":    {`"MsgType":"TIMTextElem",`, ``, "MsgType is required", body(`[{"MsgContent":{"Text":"hi"}}]`, 2)},
		"MsgType empty":      {`"TIMTextElem"`, `""`, "MsgType is required", body(`[{"MsgContent":{"Text":"hi"},"MsgType":""}]`, 2)},
		"MsgType number":     {`"TIMTextElem"`, `1`, "MsgType must be a string", body("", 0)},
		"MsgType null":       {`"TIMTextElem"`, `null`, "MsgType must be a string", body("", 0)},
		"MsgType unknown":    {`TIMTextElem`, `TIMTextelem`, "MsgType is unknown", body(`[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextelem"}]`, 2)},
		"MsgContent missing": {`,"MsgContent":{"Text":"hi"}`, ``, "MsgContent is required", body(`[{"MsgType":"TIMTextElem"}]`, 0)},
		"MsgContent null":    {`{"Text":"hi"}`, `null`, "MsgContent must be an object", body(`[{"MsgContent":null,"MsgType":"TIMTextElem"}]`, 0)},
		"MsgContent text":    {`{"Text":"hi"}`, `"hi"`, "MsgContent must be an object", body(`[{"MsgContent":"hi","MsgType":"TIMTextElem"}]`, 0)},
		"MsgContent array":   {`{"Text":"hi"}`, `["hi"]`, "MsgContent must be an object", body(`[{"MsgContent":["hi"],"MsgType":"TIMTextElem"}]`, 0)},
		"Text missing":       {`{"Text":"hi"}`, `{"text":"hi"}`, "Text of TIMTextElem is required", body(`[{"MsgContent":{"text":"hi"},"MsgType":"TIMTextElem"}]`, 2)},
		"Text number":        {`{"Text":"hi"}`, `{"Text":5}`, "Text of TIMTextElem has the wrong type", body(`[{"MsgContent":{"Text":5},"MsgType":"TIMTextElem"}]`, 0)},
		"second element bad": {content, content + `,{"MsgType":"TIMFaceElem","MsgContent":{"Index":"1"}}`, "Index of TIMFaceElem has the wrong type",
			body(`[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"},{"MsgContent":{"Index":"1"},"MsgType":"TIMFaceElem"}]`, 3, "hi")},
		"two TIMCustomElem": {content, `{"MsgType":"TIMCustomElem","MsgContent":{"Data":"a"}},{"MsgType":"TIMCustomElem","MsgContent":{"Data":"b"}}`,
			"MsgBody has more than one TIMCustomElem",
			body(`[{"MsgContent":{"Data":"a"},"MsgType":"TIMCustomElem"},{"MsgContent":{"Data":"b"},"MsgType":"TIMCustomElem"}]`, 2)},

		"CloudCustomData number":  {`"cloud"`, `1`, "CloudCustomData must be a string", noCloud},
		"CloudCustomData object":  {`"cloud"`, `{"a":"b"}`, "CloudCustomData must be a string", noCloud},
		"MsgPriority unknown":     {`"High"`, `"Highest"`, "MsgPriority is unknown", normal},
		"MsgPriority other case":  {`"High"`, `"high"`, "MsgPriority is unknown", normal},
		"MsgPriority number":      {`"High"`, `1`, "MsgPriority must be a string", normal},
		"OnlineOnlyFlag 2":        {`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":2`, "OnlineOnlyFlag must be 0 or 1", offline},
		"OnlineOnlyFlag 1.0":      {`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":1.0`, "OnlineOnlyFlag must be 0 or 1", offline},
		"OnlineOnlyFlag text":     {`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":"1"`, "OnlineOnlyFlag must be 0 or 1", offline},
		"OnlineOnlyFlag true":     {`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":true`, "OnlineOnlyFlag must be 0 or 1", offline},
		"MsgOnlineOnlyFlag text":  {`"OnlineOnlyFlag":1`, `"MsgOnlineOnlyFlag":""`, "MsgOnlineOnlyFlag must be 0 or 1", offline},
		"GroupAtInfo object":      {at, `{"GroupAtAllFlag":1}`, "GroupAtInfo must be an array of objects", mentions()},
		"GroupAtInfo of texts":    {at, `["bob"]`, "GroupAtInfo must be an array of objects", mentions()},
		"GroupAtInfo of null":     {at, `[null,{"GroupAt_Account":"bob"}]`, "GroupAtInfo must be an array of objects", mentions(chat.Mention{User: "bob"})},
		"GroupAtAllFlag text":     {at, `[{"GroupAtAllFlag":"1","GroupAt_Account":"bob"}]`, "GroupAtAllFlag must be 0 or 1", mentions(chat.Mention{User: "bob"})},
		"GroupAtAllFlag 2":        {at, `[{"GroupAtAllFlag":2}]`, "GroupAtAllFlag must be 0 or 1", mentions()},
		"GroupAtAllFlag huge":     {at, `[{"GroupAtAllFlag":18446744073709551617}]`, "GroupAtAllFlag must be 0 or 1", mentions()},
		"GroupAt_Account number":  {at, `[{"GroupAt_Account":5}]`, "GroupAt_Account must be a string", mentions()},
		"GroupAt_Account missing": {at, `[{"GroupAtAllFlag":0}]`, "GroupAt_Account is required", mentions()},
		"To_Account text":         {`["ann","bob"]`, `"ann"`, "To_Account must be an array of strings", to()},
		"To_Account of numbers":   {`["ann","bob"]`, `["ann",5,null]`, "To_Account must be an array of strings", to("ann")},

		"ForbidCallbackControl text": {`["ForbidBeforeSendMsgCallback","ForbidAfterSendMsgCallback"]`, `"ForbidBeforeSendMsgCallback"`,
			"ForbidCallbackControl must be an array of strings", asked},
		"ForbidCallbackControl of numbers": {`["ForbidBeforeSendMsgCallback","ForbidAfterSendMsgCallback"]`, `[1]`,
			"ForbidCallbackControl must be an array of strings", asked},
		"SendMsgControl text":        {`["NoUnread","NoLastMsg","NoMsgCheck"]`, `"NoUnread"`, "SendMsgControl must be an array of strings", control},
		"SendMsgControl of objects":  {`["NoUnread","NoLastMsg","NoMsgCheck"]`, `[{}]`, "SendMsgControl must be an array of strings", control},
		"OfflinePushInfo text":       {`{"PushFlag":0}`, `"x"`, "OfflinePushInfo must be an object", asSent},
		"NeedReadReceipt text":       {`"NeedReadReceipt":0`, `"NeedReadReceipt":"0"`, "NeedReadReceipt must be 0 or 1", asSent},
		"SupportMessageExtension -1": {`"SupportMessageExtension":1`, `"SupportMessageExtension":-1`, "SupportMessageExtension must be 0 or 1", asSent},
		"TopicId set":                {`"TopicId":""`, `"TopicId":"g@TOPIC#_1"`, "TopicId is not supported", asSent},
		"TopicId number":             {`"TopicId":""`, `"TopicId":1`, "TopicId must be a string", asSent},

		"the first fault is told":            {`{"GroupId":"@TGS#1"`, `{"GroupId":5,"CloudCustomData":1`, "GroupId must be a string", noGroup},
		"a fault does not hide a wrong type": {`"CloudCustomData":"cloud"`, `"TopicId":"t","CloudCustomData":1`, "TopicId is not supported", noCloud},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fullSend()
			c.change(&want)
			want.Fault = &chat.Refusal{Code: api.CodeInvalidParameter, Info: c.info}
			wantSend(t, read(replaced(t, full, c.old, c.new)), want)
		})
	}
}

func TestEveryElementIsKnownAndItsFieldsAreChecked(t *testing.T) {
	t.Parallel()
	for kind, content := range map[string]string{
		"TIMTextElem":     `{"Text":"a"}`,
		"TIMLocationElem": `{"Desc":"a","Latitude":-29.34,"Longitude":1e2}`,
		"TIMFaceElem":     `{"Data":"a","Index":6}`,
		"TIMCustomElem":   `{"Data":"a","Desc":"b","Ext":"c","Sound":"d"}`,
		"TIMSoundElem":    `{"Download_Flag":2,"Second":1,"Size":62351,"UUID":"a","Url":"b"}`,
		"TIMImageElem":    `{"ImageFormat":1,"ImageInfoArray":[{"Height":0,"Size":1,"Type":1,"URL":"a","Width":0}],"UUID":"b"}`,
		"TIMFileElem":     `{"Download_Flag":2,"FileName":"a","FileSize":1773552,"UUID":"b","Url":"c"}`,
		"TIMVideoFileElem": `{"ThumbDownloadFlag":2,"ThumbFormat":"a","ThumbHeight":1,"ThumbSize":1,"ThumbUUID":"b","ThumbUrl":"c","ThumbWidth":1,` +
			`"VideoDownloadFlag":2,"VideoFormat":"d","VideoSecond":1,"VideoSize":1,"VideoUUID":"e","VideoUrl":"f"}`,
		"TIMRelayElem": `{"AbstractList":["a"],"CompatibleText":"b","MsgList":[{"x":"c"}],"MsgNum":1,"Title":"d"}`,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			message := func(content string) string {
				return `{"GroupId":"g","Random":1,"MsgBody":[{"MsgType":"` + kind + `","MsgContent":` + content + `}]}`
			}
			s := read(message(content))
			if s.Fault != nil || string(s.Content.Body) != `[{"MsgContent":`+content+`,"MsgType":"`+kind+`"}]` {
				t.Errorf("fault %v, body %s", s.Fault, s.Content.Body)
			}
			if want := letters(content); s.Content.Size != want {
				t.Errorf("size %d, want %d", s.Content.Size, want)
			}
			var fields map[string]any
			if err := json.Unmarshal([]byte(content), &fields); err != nil {
				t.Fatal(err)
			}
			for field := range fields {
				wrong := map[string]any{}
				for k, v := range fields {
					wrong[k] = v
				}
				for _, v := range []any{nil, true, map[string]any{}} {
					wrong[field] = v
					bad, err := json.Marshal(wrong)
					if err != nil {
						t.Fatal(err)
					}
					s := read(message(string(bad)))
					if s.Fault == nil || s.Fault.Info != field+" of "+kind+" has the wrong type" {
						t.Errorf("%s: fault %v", bad, s.Fault)
					}
				}
			}
			if s := read(message(`{"Text":"a","NewField":{"x":[1]}}`)); s.Fault != nil {
				t.Errorf("a field that is not known: %v", s.Fault)
			}
		})
	}
}

// letters counts the string values of a content whose values are one letter each.
func letters(content string) (n int) {
	for _, part := range strings.Split(content, `"`) {
		if len(part) == 1 && part[0] >= 'a' && part[0] <= 'w' {
			n++
		}
	}
	return n
}
