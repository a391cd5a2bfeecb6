package text

var german = Language{
	Code: "de",

	Welcome: "Willkommen bei <b>Waymark</b>. Hier erfährst du, wo deine Geräte sind.\n\n" +
		"Verbinde zuerst dein Konto: Öffne Waymark im Browser, wähle <i>Einstellungen → Telegram</i> und öffne den Link, der dort steht, oder sende den Code mit /link.",
	WelcomeBack: "Du bist als <b>{name}</b> verbunden.\n\n/devices zeigt deine Geräte. Sende den Namen eines Geräts, um es auf der Karte zu sehen. Mehr sagt /help.",
	Help: "/devices – deine Geräte; mit einem Wort dahinter die, deren Name es enthält\n" +
		"/where NAME – ein Gerät auf der Karte; der Name allein tut dasselbe\n" +
		"/link CODE – dieses Telegram-Konto mit einem anderen Waymark-Konto verbinden\n" +
		"/unlink – die Verbindung beenden\n/help – dieser Text",
	HelpUnlinked: "Um dein Waymark-Konto zu verbinden, öffne Waymark im Browser und wähle <i>Einstellungen → Telegram</i>. " +
		"Öffne den Link, der dort steht, oder sende den Code: /link CODE. Ein Code gilt einmal und zehn Minuten lang.",
	UnknownCommand: "Diesen Befehl kenne ich nicht. /help zeigt, was ich kann.",
	TextOnly:       "Ich verstehe nur Text. /help zeigt, was ich kann.",

	CommandDevices: "Deine Geräte auflisten",
	CommandWhere:   "Ein Gerät auf der Karte zeigen",
	CommandLink:    "Dein Waymark-Konto verbinden",
	CommandUnlink:  "Die Verbindung beenden",
	CommandHelp:    "Was dieser Bot kann",

	LinkUsage:     "Sende /link und dahinter den Code, den Waymark unter <i>Einstellungen → Telegram</i> zeigt, zum Beispiel <code>/link K7QM-4D2X-9RTB</code>.",
	LinkMalformed: "Das ist kein Code. Ein Code hat zwölf Buchstaben und Ziffern, zum Beispiel <code>K7QM-4D2X-9RTB</code>.",
	LinkConfirm: "Dieses Telegram-Konto mit dem Waymark-Konto verbinden, das den Code erzeugt hat?\n\n" +
		"Mach nur weiter, wenn du den Code selbst erzeugt hast.",
	LinkReplaces:    "Jetzt bist du als <b>{name}</b> verbunden; diese Verbindung würde enden.",
	LinkDone:        "Verbunden als <b>{name}</b>. /devices zeigt deine Geräte. Wenn das nicht dein Konto ist, sende /unlink.",
	LinkDoneOff:     "Verbunden als <b>{name}</b>, aber dieses Konto ist gesperrt. Bitte frage deinen Administrator.",
	LinkWrong:       "Dieser Code ist falsch, verbraucht oder zu alt. Bitte erzeuge in Waymark unter <i>Einstellungen → Telegram</i> einen neuen.",
	LinkTooMany:     "Zu viele Versuche. Bitte warte 15 Minuten und nimm einen neuen Code.",
	LinkCancelled:   "Es wurde nichts verbunden.",
	LinkYesButton:   "Verbinden",
	LinkNoButton:    "Nein",
	UnlinkConfirm:   "Dieses Telegram-Konto ist als <b>{name}</b> verbunden. Verbindung beenden?",
	UnlinkDone:      "Die Verbindung ist beendet. Mit /link verbindest du dich wieder.",
	UnlinkKept:      "Du bleibst verbunden.",
	NotLinked:       "Dieses Telegram-Konto ist nicht mit Waymark verbunden. Wie das geht, sagt /help.",
	AccountOff:      "Dein Waymark-Konto ist gesperrt. Bitte frage deinen Administrator.",
	UnlinkYesButton: "Beenden",
	UnlinkNoButton:  "Nein",

	DevicesTitle:     "<b>Deine Geräte</b> {from}–{to}",
	DevicesFound:     "<b>Geräte mit „{query}“</b> {from}–{to}",
	DevicesNone:      "Du hast noch keine Geräte. Füge sie in Waymark hinzu oder bitte deinen Administrator, dir welche freizugeben.",
	DevicesNoneFound: "Keines deiner Geräte enthält „{query}“.",
	PreviousButton:   "‹ Zurück",
	NextButton:       "Mehr ›",
	BackButton:       "« Liste",
	RefreshButton:    "↻ Aktualisieren",
	MapButton:        "📍 Karte",

	Online:       "online",
	Offline:      "offline",
	NeverSeen:    "noch nie gesehen",
	Speed:        "{speed} km/h",
	Battery:      "Akku {percent} %",
	PositionAge:  "Position: {age}",
	LastKnown:    "Letzte bekannte Position: {age}",
	LastContact:  "Letzter Kontakt: {age}",
	NoPosition:   "Noch keine Position.",
	WhereUsage:   "Sende /where und dahinter den Namen eines Geräts. /devices zeigt sie alle.",
	WhereNone:    "Du hast kein Gerät namens „{query}“. /devices zeigt deine Geräte.",
	WhereSeveral: "Welches Gerät meinst du?",
	DeviceGone:   "Dieses Gerät gibt es nicht mehr, oder du darfst es nicht mehr sehen.",

	JustNow:    "gerade eben",
	MinutesAgo: Plural{"vor {n} Minute", "vor {n} Minuten"},
	HoursAgo:   Plural{"vor {n} Stunde", "vor {n} Stunden"},
	DaysAgo:    Plural{"vor {n} Tag", "vor {n} Tagen"},

	Acknowledged: "✓ Bestätigt",
	AckButton:    "✓ Gesehen",
	AckPopup:     "Niemand sonst wird benachrichtigt.",

	GroupsRefused:   "Ich antworte nur in privaten Chats, damit niemand sonst sieht, wo deine Geräte sind. Bitte schreib mir direkt.",
	TooFast:         "Das war viel auf einmal. Bitte warte eine Minute.",
	Failed:          "Hier ist etwas schiefgegangen. Bitte versuche es noch einmal; wenn es wieder passiert, sage es deinem Administrator.",
	Unavailable:     "Waymark kann gerade nicht antworten. Bitte versuche es in einer Minute noch einmal.",
	ExpiredPopup:    "Diese Schaltfläche ist zu alt. Bitte frage noch einmal.",
	NoPositionPopup: "Noch keine Position.",
	SentPopup:       "Gesendet.",
}
