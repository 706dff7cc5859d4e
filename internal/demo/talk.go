package demo

import "github.com/parley-im/parley/api"

// people are the crowd, with the names that their profiles show.
var people = []struct{ user, nick string }{
	{"mei", "美"}, {"noor", "نور"}, {"lucas", "Lucas"}, {"sofia", "Sofía"}, {"hiroshi", "ひろし"}, {"jisoo", "지수"},
	{"amara", "Amara"}, {"pavel", "Павел"}, {"claire", "Claire"}, {"diego", "Diego"}, {"priya", "Priya"}, {"jonas", "Jonas"},
}

// Those who cannot say what they want.
const (
	mutedHere       = "diego"   // a moderator muted him in the tea house
	mutedEverywhere = "pavel"   // his account is muted
	nobody          = "mallory" // never imported
)

// forbidden is the word of the content filter.
const forbidden = "free coins"

// The groups, one of each type and a quiet one.
const (
	family        = "family"
	teaHouse      = "tea-house"
	matchDay      = "match-day"
	nightShow     = "night-show"
	makers        = "@TGS#_makers" // ids of communities begin like this
	announcements = "announcements"
	oldRoom       = "old-room" // dissolved before the talk begins
)

// saying is one thing that somebody says.
type saying struct{ from, text string }

// room is a group and what is said in it, over and over.
type room struct {
	id, kind, name string
	owner          string
	talk           []saying
}

var rooms = []room{
	{family, api.TypePrivate, "The family", "sofia", []saying{
		{"sofia", "¿Quién viene a comer el domingo?"},
		{"lucas", "Eu vou! Levo a sobremesa."},
		{"claire", "J'arrive vers midi, il faut apporter du pain ?"},
		{"sofia", "Sí, por favor, y algo de queso"},
		{"jonas", "Ich bringe die Kinder mit, wir sind zu viert."},
		{"claire", "Parfait, on sera neuf alors"},
		{"lucas", "Alguém viu as chaves do carro?"},
		{"sofia", "Están en la mesa de la cocina"},
	}},
	{teaHouse, api.TypePublic, "Tea house 茶馆", "mei", []saying{
		{"mei", "今天的龙井到了，要不要留一点给你？"},
		{"hiroshi", "ぜひお願いします！明日取りに行きます"},
		{"priya", "Is the terrace open tonight?"},
		{"mei", "Yes, until ten. The kettle is on."},
		{"noor", "أنا قادمة بعد العمل"},
		{"jisoo", "저도 갈게요, 자리 하나 부탁해요"},
		{"mei", "好的，靠窗的位置给你们留着"},
		{"amara", "Bringing the ginger biscuits again"},
		{"hiroshi", "楽しみです"},
	}},
	{matchDay, api.TypeChatRoom, "Match day", "amara", []saying{
		{"amara", "Line-ups are out, same back four as last week"},
		{"lucas", "Hoje a gente ganha, certeza"},
		{"jonas", "Wer hält heute dagegen? Ich tippe 2:1."},
		{"jisoo", "선발 명단 봤어? 기대된다"},
		{"sofia", "Vamos, que hoy sí"},
		{"amara", "Kick-off in five minutes"},
		{"lucas", "Que defesa!!"},
		{"jonas", "Das war nie im Leben Abseits"},
	}},
	{nightShow, api.TypeAVChatRoom, "Night show", "priya", []saying{
		{"priya", "Welcome everybody, we are live"},
		{"claire", "Bonsoir de Lyon !"},
		{"hiroshi", "こんばんは、音も映像も良好です"},
		{"noor", "صوت واضح جدا اليوم"},
		{"amara", "Play the new one please"},
		{"jisoo", "이 노래 제목이 뭐예요?"},
		{"priya", "It is called Harbour Lights, out on Friday"},
		{"mei", "好听！"},
	}},
	{makers, api.TypeCommunity, "Makers", "jonas", []saying{
		{"jonas", "The new firmware halves the boot time"},
		{"priya", "Which board is that on?"},
		{"jonas", "Rev C, the one with the USB-C socket"},
		{"hiroshi", "回路図を上げておきました"},
		{"claire", "Merci, je regarde ça ce soir"},
		{"mei", "3D 打印的外壳昨天装好了，正合适"},
		{"lucas", "Alguém tem um osciloscópio sobrando?"},
		{"amara", "I can lend you mine until Thursday"},
	}},
	{announcements, api.TypePublic, "Announcements", "claire", []saying{
		{"claire", "The meetup moves to Thursday, same place"},
		{"claire", "La réunion passe à jeudi, même endroit"},
		{"claire", "Doors open at 18:30, bring a friend"},
	}},
}

// cheers are what a match makes everybody write at once.
var cheers = []string{
	"GOAL!!!", "Goooool!", "¡Golazo!", "ゴール！", "골!!!", "进球啦！", "TOOOR!", "But !!!", "هدف!", "What a strike", "Que golaço", "Unglaublich",
}
