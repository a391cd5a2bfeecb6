package logging

import (
	"regexp"
	"strings"
)

// mask stands for what is left out.
const mask = "********"

var (
	// A Telegram bot token is the bot's number, a colon and 35 characters.
	telegramToken = regexp.MustCompile(`[0-9]{5,}:[A-Za-z0-9_-]{30,}`)
	// scheme://user:password@host. The password ends at the last @ of the word:
	// people write passwords into URLs as they are.
	urlPassword = regexp.MustCompile(`(://[^\s/?#:@"]*:)[^\s"]+@`)
)

// Redact replaces the secrets in a text: Telegram tokens, passwords in URLs,
// and values after secret names, such as password=x, "token":"x" and
// Authorization: x.
func Redact(s string) string {
	if !mayHoldSecret(s) {
		return s
	}
	if strings.Contains(s, "://") && strings.IndexByte(s, '@') >= 0 {
		s = urlPassword.ReplaceAllString(s, "${1}"+mask+"@")
	}
	if len(s) > 35 {
		s = telegramToken.ReplaceAllString(s, mask)
	}
	return redactPairs(s)
}

// mayHoldSecret is false for most texts: each secret stands beside one of
// these characters.
func mayHoldSecret(s string) bool { return strings.ContainsAny(s, ":=") }

// redactPairs replaces values after secret names.
func redactPairs(s string) string {
	var out strings.Builder
	done := 0 // up to where s is in out, or left out
	for i := 0; i < len(s); i++ {
		if s[i] != ':' && s[i] != '=' || i < done {
			continue
		}
		name := s[done:i]
		quoted := strings.HasSuffix(name, `"`)
		name = strings.TrimSuffix(name, `"`)
		name = name[strings.LastIndexFunc(name, notInName)+1:]
		if !isSecret(name) {
			continue
		}
		from, to := valueAfter(s, i, name, quoted)
		if from == to || s[from:to] == mask {
			continue
		}
		out.WriteString(s[done:from])
		out.WriteString(mask)
		done = to
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

func notInName(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// valueAfter finds the value behind the separator at s[i]. A colon and a space
// are prose ("bot.token: want a text"), but for quoted names and headers.
func valueAfter(s string, i int, name string, quoted bool) (from, to int) {
	from = i + 1
	header := isHeader(name)
	if quoted || header {
		for from < len(s) && s[from] == ' ' {
			from++
		}
	}
	rest := s[from:]
	ends := " \t\r\n,;&}])"
	if strings.HasPrefix(rest, `"`) {
		from++
		rest, ends = rest[1:], `"`
	} else if header {
		ends = "\r\n" // "Bearer x", "a=b; c=d"
	}
	if n := strings.IndexAny(rest, ends); n >= 0 {
		return from, from + n
	}
	return from, len(s)
}

func isHeader(name string) bool {
	for _, h := range [...]string{"authorization", "proxy-authorization", "cookie", "set-cookie"} {
		if strings.EqualFold(name, h) {
			return true
		}
	}
	return false
}
