package tgfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// htmlTags are those of https://core.telegram.org/bots/api#html-style.
var htmlTags = []string{"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "tg-spoiler", "span", "a", "code", "pre", "blockquote", "tg-emoji"}

// parseHTML returns the text of Telegram's HTML. Every < must begin a tag that
// Telegram knows and every tag must be closed; an & that begins no entity it
// knows stays as it is.
func parseHTML(s string) (string, error) {
	var (
		text strings.Builder
		open []string
	)
	for i := 0; i < len(s); {
		switch s[i] {
		case '&':
			decoded, n := entity(s[i:])
			text.WriteString(decoded)
			i += n
		case '<':
			end := strings.IndexByte(s[i:], '>')
			if end < 0 {
				return "", fmt.Errorf("Unclosed start tag at byte offset %d", i) // Telegram's wording
			}
			tag := s[i+1 : i+end]
			if name, closing := strings.CutPrefix(tag, "/"); closing {
				if len(open) == 0 || open[len(open)-1] != strings.TrimSpace(name) {
					return "", fmt.Errorf("Unexpected end tag at byte offset %d", i) // Telegram's wording
				}
				open = open[:len(open)-1]
			} else {
				name, _, _ := strings.Cut(tag, " ")
				name = strings.ToLower(name)
				if !slices.Contains(htmlTags, name) {
					return "", fmt.Errorf("Unsupported start tag %q at byte offset %d", name, i) // Telegram's wording
				}
				open = append(open, name)
			}
			i += end + 1
		default:
			text.WriteByte(s[i])
			i++
		}
	}
	if len(open) > 0 {
		return "", fmt.Errorf("Can't find end tag corresponding to start tag %q", open[len(open)-1]) // Telegram's wording
	}
	return text.String(), nil
}

// entity decodes the entity at the front of s and says how long it is.
func entity(s string) (string, int) {
	for name, sign := range map[string]string{"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": `"`} {
		if strings.HasPrefix(s, name) {
			return sign, len(name)
		}
	}
	if end := strings.IndexByte(s, ';'); end > 2 && end < 12 && s[1] == '#' {
		digits, base := s[2:end], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseInt(digits, base, 32); err == nil {
			return string(rune(n)), end + 1
		}
	}
	return "&", 1
}
