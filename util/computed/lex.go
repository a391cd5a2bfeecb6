package computed

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
)

// kind is what sort of token it is.
type kind uint8

const (
	end kind = iota
	name
	number
	text
	symbol
)

// token is a word of an expression. at is its column, from 1.
type token struct {
	kind  kind
	text  string
	value data.Value // of number and text
	at    int
}

// symbols are those of several characters, the longer ones first.
var symbols = []string{"===", "!==", "==", "!=", "<=", ">=", "&&", "||", "??", "?:", "<<", ">>", "=~", "!~", "=^", "=$"}

// words are operators that can be written out.
var words = map[string]string{
	"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
	"div": "/", "mod": "%",
}

// lex splits an expression into tokens.
func lex(s string) ([]token, error) {
	var out []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(out, token{kind: end, at: i + 1}), nil
		}
		t, n, err := next(s[i:], i+1)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		i += n
	}
}

func next(s string, at int) (t token, n int, err error) {
	t.at = at
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case digit(s[0]) || s[0] == '.' && len(s) > 1 && digit(s[1]):
		n = numberLen(s)
		if t.value, err = readNumber(s[:n], at); err != nil {
			return t, 0, err
		}
		t.kind, t.text = number, s[:n]
		return t, n, nil
	case s[0] == '\'' || s[0] == '"':
		return quoted(s, at)
	case starts(r):
		n = nameLen(s)
		t.kind, t.text = name, s[:n]
		if op, ok := words[t.text]; ok {
			t.kind, t.text = symbol, op
		}
		return t, n, nil
	}
	t.kind = symbol
	for _, t.text = range symbols {
		if strings.HasPrefix(s, t.text) {
			n = len(t.text)
			t.text = strings.NewReplacer("===", "==", "!==", "!=").Replace(t.text)
			return t, n, nil
		}
	}
	if strings.IndexByte("+-*/%<>!~&|^?:(),", s[0]) < 0 {
		return t, 0, invalid("column %d: %q has no meaning here", at, r)
	}
	t.text = s[:1]
	return t, 1, nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func starts(r rune) bool { return unicode.IsLetter(r) || r == '_' || r == '$' }

// nameLen is how long the name at the beginning is. A dot or a colon belongs to
// it if it is that of math.floor or math:floor, a dot also within other names.
func nameLen(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		after, _ := utf8.DecodeRuneInString(s[n+size:])
		switch {
		case starts(r) || unicode.IsDigit(r):
		case r == '.' && (starts(after) || unicode.IsDigit(after)):
		case r == ':' && s[:n] == "math" && starts(after):
		default:
			return n
		}
		n += size
	}
	return n
}

func numberLen(s string) int {
	n := 0
	for n < len(s) && (digit(s[n]) || s[n] == '.' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' ||
		(s[n] == '-' || s[n] == '+') && n > 1 && (s[n-1] == 'e' || s[n-1] == 'E') && !hex(s)) {
		n++
	}
	return n
}

func hex(s string) bool { return strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") }

func readNumber(s string, at int) (data.Value, error) {
	if hex(s) {
		if v, err := strconv.ParseInt(s[2:], 16, 64); err == nil {
			return data.Int(v), nil
		}
	} else if v, ok := parseNumber(s); ok {
		return v, nil
	}
	return data.Value{}, invalid("column %d: %q is no number", at, s)
}

// quoted reads a text between quotes of either sort.
func quoted(s string, at int) (token, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			v := strings.ToValidUTF8(b.String(), "�")
			return token{kind: text, text: v, value: data.String(v), at: at}, i + 1, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '\'', '"':
				b.WriteByte(s[i])
			default: // of a pattern
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return token{}, 0, invalid("column %d: the text has no end, a %c is missing", at, s[0])
}
