package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// APIError is a refusal by Telegram.
type APIError struct {
	// Method is the Bot API method that was called.
	Method string
	// Code is Telegram's error_code, the HTTP status as a rule.
	Code int
	// Description is Telegram's own text, in English.
	Description string
	// RetryAfter is how long to keep quiet; 0 if nothing was said.
	RetryAfter time.Duration
	// MigrateTo is the new id of a group that became a supergroup; 0 for none.
	MigrateTo int64
}

func (e *APIError) Error() string {
	return fmt.Sprintf("telegram %s: %s (%d)", e.Method, e.Description, e.Code)
}

// errNotAPI says that what answered was not the Bot API: a proxy's error page,
// a half answer.
var errNotAPI = errors.New("the answer does not come from the Bot API")

// transient tells whether a call may succeed when it is made again: the
// network, the server's own troubles. A refusal is final.
func transient(err error) bool {
	var api *APIError
	if errors.As(err, &api) {
		return api.Code >= 500
	}
	return err != nil
}

// refused tells whether Telegram refused with the code and a description that
// contains words, if there are any.
func refused(err error, code int, words ...string) bool {
	var api *APIError
	if !errors.As(err, &api) || api.Code != code {
		return false
	}
	for _, w := range words {
		if strings.Contains(api.Description, w) {
			return true
		}
	}
	return len(words) == 0
}

// tokenAnywhere finds whatever looks like a bot's token.
var tokenAnywhere = regexp.MustCompile(`[0-9]{5,20}(:|%3A)[A-Za-z0-9_-]{30,100}`)

const redacted = "<token>"

// redact takes tokens out of a text.
func redact(s string) string {
	if !strings.Contains(s, ":") && !strings.Contains(s, "%3A") {
		return s
	}
	return tokenAnywhere.ReplaceAllString(s, redacted)
}

// redactError returns err without the URL that http.Client wraps around it, and
// without a token in its text. What errors.As finds in it stays.
func redactError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if err == nil || redact(err.Error()) == err.Error() {
		return err
	}
	return &redactedError{err}
}

type redactedError struct{ err error }

func (e *redactedError) Error() string { return redact(e.err.Error()) }
func (e *redactedError) Unwrap() error { return e.err }

// redactHandler takes tokens out of everything that is logged: the last line of
// defence, should an error have come another way.
type redactHandler struct{ slog.Handler }

func (h redactHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, redact(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h redactHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return redactHandler{h.Handler.WithAttrs(clean)}
}

func (h redactHandler) WithGroup(name string) slog.Handler {
	return redactHandler{h.Handler.WithGroup(name)}
}

func redactAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, redact(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, redact(fmt.Sprint(v.Any())))
	case slog.KindGroup:
		group := v.Group()
		clean := make([]any, len(group))
		for i, g := range group {
			clean[i] = redactAttr(g)
		}
		return slog.Group(a.Key, clean...)
	}
	return slog.Attr{Key: a.Key, Value: v}
}
