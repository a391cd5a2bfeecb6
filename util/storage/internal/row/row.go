// Package row holds what both back ends do to values on their way into a row
// and back: rounding, checking, encoding. It knows no SQL and does no I/O.
package row

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
)

// Millis is how a time is kept: milliseconds since 1970 UTC, rounded down. The
// zero time is a number like any other (-62135596800000, the year 1) that sorts
// before every real time, so no column needs NULL.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// Time is what Millis kept, UTC. The zero time comes back as the zero time.
func Time(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// MaxKey bounds a text that stands in an index, a unique id or an e-mail, in
// bytes. PostgreSQL refuses index rows above 2704 bytes.
const MaxKey = 512

// IsText tells whether a database can hold s as text: UTF-8 without NUL.
// Devices send any bytes as their identity, so a search by text asks first: what
// cannot be stored cannot be found.
func IsText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Clean makes s a text of at most n bytes; what is no text becomes the
// replacement character.
func Clean(s string, n int) string {
	if !IsText(s) {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return s
}

// Search is the text a keyword is looked for in.
func Search(d *data.Device) string { return Keyword(d.Name + "\n" + d.UniqueID) }

// Keyword is how a keyword is looked for: in Go's lower case, which is the same
// on every database and knows all alphabets.
func Keyword(s string) string { return strings.ToLower(s) }

// Email is how an e-mail is kept and looked for.
func Email(s string) string { return strings.ToLower(s) }

// CheckDevice tells whether d can be stored.
func CheckDevice(d *data.Device) error {
	if err := checkKey("unique id", d.UniqueID); err != nil {
		return err
	}
	return checkTexts("device", d.Name, d.Phone, d.Model, d.Contact, d.Category)
}

// CheckUser tells whether u can be stored.
func CheckUser(u *data.User) error {
	if err := checkKey("e-mail", u.Email); err != nil {
		return err
	}
	if len(u.Login) > MaxKey {
		return fmt.Errorf("login is longer than %d bytes: %w", MaxKey, data.ErrInvalid)
	}
	return checkTexts("user", u.Name, u.PasswordHash, u.Login)
}

// CheckTelegramAccount tells whether a can be stored.
func CheckTelegramAccount(a *data.TelegramAccount) error {
	return checkTexts("telegram account", a.Name)
}

func checkKey(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is empty: %w", what, data.ErrInvalid)
	case len(s) > MaxKey:
		return fmt.Errorf("%s is longer than %d bytes: %w", what, MaxKey, data.ErrInvalid)
	case !IsText(s):
		return fmt.Errorf("%s holds characters that are not text: %w", what, data.ErrInvalid)
	}
	return nil
}

func checkTexts(what string, texts ...string) error {
	for _, s := range texts {
		if !IsText(s) {
			return fmt.Errorf("%s holds characters that are not text: %w", what, data.ErrInvalid)
		}
	}
	return nil
}

// EncodeFree writes free attributes as a JSON object.
func EncodeFree(free map[string]any) (string, error) {
	if len(free) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(free)
	if err != nil {
		return "", fmt.Errorf("write attributes: %w: %w", data.ErrInvalid, err)
	}
	return string(b), nil
}

// DecodeFree reads what EncodeFree wrote; nil if there are none.
func DecodeFree(s string) (map[string]any, error) {
	if s == "{}" {
		return nil, nil
	}
	var free map[string]any
	if err := json.Unmarshal([]byte(s), &free); err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	return free, nil
}
