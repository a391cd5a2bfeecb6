package text

var english = Language{
	Code: "en",

	Welcome: "Welcome to <b>Waymark</b>. Here you can ask where your devices are.\n\n" +
		"First connect your account: open Waymark in a browser, choose <i>Settings → Telegram</i>, and open the link shown there, or send its code with /link.",
	WelcomeBack: "You are connected as <b>{name}</b>.\n\n/devices lists your devices. Send the name of one to see it on the map. /help says more.",
	Help: "/devices – your devices; with a word after it, those whose name contains it\n" +
		"/where NAME – one device on the map; the name alone does the same\n" +
		"/link CODE – connect this Telegram account to another Waymark account\n" +
		"/unlink – end the connection\n/help – this text",
	HelpUnlinked: "To connect your Waymark account, open Waymark in a browser and choose <i>Settings → Telegram</i>. " +
		"Open the link shown there, or send its code: /link CODE. A code works once, for ten minutes.",
	UnknownCommand: "I do not know this command. /help lists what I can do.",
	TextOnly:       "I understand text only. /help lists what I can do.",

	CommandDevices: "List your devices",
	CommandWhere:   "Show a device on the map",
	CommandLink:    "Connect your Waymark account",
	CommandUnlink:  "End the connection",
	CommandHelp:    "What this bot can do",

	LinkUsage:     "Send /link followed by the code that Waymark shows under <i>Settings → Telegram</i>, for example <code>/link K7QM-4D2X-9RTB</code>.",
	LinkMalformed: "This is not a code. A code has twelve letters and digits, for example <code>K7QM-4D2X-9RTB</code>.",
	LinkConfirm: "Connect this Telegram account to the Waymark account that made the code?\n\n" +
		"Go on only if you made the code yourself.",
	LinkReplaces:    "You are connected as <b>{name}</b> now; that connection would end.",
	LinkDone:        "Connected as <b>{name}</b>. /devices lists your devices. If this is not your account, send /unlink.",
	LinkDoneOff:     "Connected as <b>{name}</b>, but this account is disabled. Please ask your administrator.",
	LinkWrong:       "This code is wrong, used or too old. Please make a new one in Waymark under <i>Settings → Telegram</i>.",
	LinkTooMany:     "Too many tries. Please wait 15 minutes and use a new code.",
	LinkCancelled:   "Nothing was connected.",
	LinkYesButton:   "Connect",
	LinkNoButton:    "No",
	UnlinkConfirm:   "This Telegram account is connected as <b>{name}</b>. End the connection?",
	UnlinkDone:      "The connection has ended. /link connects again.",
	UnlinkKept:      "You stay connected.",
	NotLinked:       "This Telegram account is not connected to Waymark. /help says how to connect it.",
	AccountOff:      "Your Waymark account is disabled. Please ask your administrator.",
	UnlinkYesButton: "End it",
	UnlinkNoButton:  "No",

	DevicesTitle:     "<b>Your devices</b> {from}–{to}",
	DevicesFound:     "<b>Devices with “{query}”</b> {from}–{to}",
	DevicesNone:      "You have no devices yet. Add them in Waymark, or ask your administrator to share some with you.",
	DevicesNoneFound: "None of your devices contains “{query}”.",
	PreviousButton:   "‹ Back",
	NextButton:       "More ›",
	BackButton:       "« List",
	RefreshButton:    "↻ Refresh",
	MapButton:        "📍 Map",

	Online:       "online",
	Offline:      "offline",
	NeverSeen:    "never seen",
	Speed:        "{speed} km/h",
	Battery:      "battery {percent} %",
	PositionAge:  "Position: {age}",
	LastKnown:    "Last known position: {age}",
	LastContact:  "Last contact: {age}",
	NoPosition:   "No position yet.",
	WhereUsage:   "Send /where followed by the name of a device. /devices lists them.",
	WhereNone:    "You have no device called “{query}”. /devices lists your devices.",
	WhereSeveral: "Which device do you mean?",
	DeviceGone:   "This device no longer exists, or you may no longer see it.",

	JustNow:    "just now",
	MinutesAgo: Plural{"{n} minute ago", "{n} minutes ago"},
	HoursAgo:   Plural{"{n} hour ago", "{n} hours ago"},
	DaysAgo:    Plural{"{n} day ago", "{n} days ago"},

	Acknowledged: "✓ Acknowledged",
	AckButton:    "✓ Seen",
	AckPopup:     "Nobody else is told.",

	GroupsRefused:   "I answer in private chats only, so that nobody else sees where your devices are. Please write to me directly.",
	TooFast:         "That was a lot at once. Please wait a minute.",
	Failed:          "Something went wrong here. Please try again; if it happens again, tell your administrator.",
	Unavailable:     "Waymark cannot answer at the moment. Please try again in a minute.",
	ExpiredPopup:    "This button is too old. Please ask again.",
	NoPositionPopup: "No position yet.",
	SentPopup:       "Sent.",
}
