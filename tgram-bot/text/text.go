// Package text holds all words the bot says, in every language it speaks: one
// file per language, each a value of Language. The tests want every sentence in
// every language, with the same placeholders.
//
// Sentences are Telegram HTML with placeholders in braces, "{name}". Format
// fills them and escapes what it fills in, so that the name of a device cannot
// become markup.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Plural is a sentence with a number, {n}, in it. One and Other are the CLDR
// categories that English and German have; a language with more needs more
// fields and a rule of its own in Count.
type Plural struct{ One, Other string }

// Language is everything the bot says. Fields that end in Button are plain
// text, fields that begin with Command are the descriptions in Telegram's menu
// (plain text, 1 to 256 signs), Popup fields are plain text of at most 200
// signs; the rest is HTML.
type Language struct {
	// Code is the ISO 639-1 code.
	Code string

	// Starting and help.
	Welcome, WelcomeBack, Help, HelpUnlinked, UnknownCommand, TextOnly string

	CommandDevices, CommandWhere, CommandLink, CommandUnlink, CommandHelp string

	// Linking an account.
	LinkUsage, LinkMalformed, LinkConfirm, LinkReplaces, LinkDone, LinkDoneOff, LinkWrong, LinkTooMany, LinkCancelled string
	LinkYesButton, LinkNoButton                                                                                       string
	UnlinkConfirm, UnlinkDone, UnlinkKept, NotLinked, AccountOff                                                      string
	UnlinkYesButton, UnlinkNoButton                                                                                   string

	// The list of devices.
	DevicesTitle, DevicesFound, DevicesNone, DevicesNoneFound        string
	PreviousButton, NextButton, BackButton, RefreshButton, MapButton string

	// One device.
	Online, Offline, NeverSeen                                      string
	Speed, Battery, PositionAge, LastKnown, LastContact, NoPosition string
	WhereUsage, WhereNone, WhereSeveral, DeviceGone                 string

	JustNow                       string
	MinutesAgo, HoursAgo, DaysAgo Plural

	// What happened: the end of a message that somebody has acknowledged.
	Acknowledged string
	AckButton    string
	AckPopup     string

	// Refusals and troubles.
	GroupsRefused, TooFast, Failed, Unavailable string
	ExpiredPopup, NoPositionPopup, SentPopup    string
}

// Languages are the languages the bot speaks; the first is the fallback.
func Languages() []*Language { return []*Language{&english, &german} }

// For chooses the first of the given IETF language tags ("de-AT") that the bot
// speaks, else English.
func For(tags ...string) *Language {
	for _, tag := range tags {
		primary, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
		for _, l := range Languages() {
			if strings.EqualFold(primary, l.Code) {
				return l
			}
		}
	}
	return &english
}

// HTML is a value that is markup already; Format does not escape it.
type HTML string

// maxValue bounds a value that Format fills in, in UTF-16 units after escaping.
const maxValue = 200

// Format fills the placeholders of an HTML sentence: Format(s, "name", value,
// "n", 3). Texts are cleaned, escaped and cut, HTML values and numbers are put
// in as they are.
func Format(sentence string, pairs ...any) string {
	return fill(sentence, pairs, func(s string) string { return Escape(s, maxValue) })
}

func fill(sentence string, pairs []any, escape func(string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			b.WriteString("{" + rest)
			return b.String()
		}
		b.WriteString(value(name, pairs, escape))
		sentence = after
	}
}

func value(name string, pairs []any, escape func(string) string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != name {
			continue
		}
		switch v := pairs[i+1].(type) {
		case HTML:
			return string(v)
		case string:
			return escape(v)
		case int:
			return strconv.Itoa(v)
		default:
			return escape(fmt.Sprint(v))
		}
	}
	return "{" + name + "}" // the tests look for braces left over
}

// Count says a number with its noun: "3 minutes ago".
func (l *Language) Count(p Plural, n int) string {
	if n == 1 {
		return Format(p.One, "n", n)
	}
	return Format(p.Other, "n", n)
}

// Ago says how long ago something was. The future, which clocks of devices
// reach, is "just now".
func (l *Language) Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return l.JustNow
	case d < time.Hour:
		return l.Count(l.MinutesAgo, int(d/time.Minute))
	case d < 48*time.Hour:
		return l.Count(l.HoursAgo, int(d/time.Hour))
	}
	return l.Count(l.DaysAgo, int(d/(24*time.Hour)))
}
