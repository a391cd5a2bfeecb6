package text

import (
	"strings"
	"unicode"
)

// Clean makes hostile text fit for one line of a message: no control signs, no
// signs that turn the direction of writing, single spaces, at most max UTF-16
// units (what Telegram counts), cut with an ellipsis.
func Clean(s string, max int) string {
	return build(s, max, func(r rune) string { return string(r) })
}

// Escape is Clean for a place in HTML: max counts the escaped text, and an
// entity is never cut.
func Escape(s string, max int) string {
	return build(s, max, func(r rune) string {
		switch r {
		case '<':
			return "&lt;"
		case '>':
			return "&gt;"
		case '&':
			return "&amp;"
		case '"':
			return "&quot;"
		}
		return string(r)
	})
}

func build(s string, max int, write func(rune) string) string {
	var b strings.Builder
	used, whole := 0, 0 // whole: bytes of b that leave room for the ellipsis
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r) || turnsDirection(r) || r == unicode.ReplacementChar:
			continue
		}
		sign := write(r)
		if space {
			sign = " " + sign
			space = false
		}
		if used += units(sign); used > max {
			return strings.TrimRight(b.String()[:whole], " ") + "…"
		}
		b.WriteString(sign)
		if used < max {
			whole = b.Len()
		}
	}
	return b.String()
}

// turnsDirection tells whether r is one of the embedding, override and isolate
// signs of the bidirectional algorithm (UAX #9), which can make a name rewrite
// the line it stands in.
func turnsDirection(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
