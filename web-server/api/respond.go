package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// handle makes a handler of a function that returns its error. This is the one
// place where errors become answers.
func (s *Server) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// fail answers with the status and text of err. Errors whose text was written
// for people begin with their kind, "invalid: the name is missing"; of all
// others only the kind is told.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooSoon auth.TooSoonError
	switch {
	case errors.As(err, &tooSoon):
		w.Header().Set("Retry-After", strconv.Itoa(tooSoon.Seconds()))
		writeText(w, http.StatusTooManyRequests, tooSoon.Error())
	case errors.Is(err, auth.ErrCodeNeeded):
		// The scheme is made up; existing clients ask for a code when they see it.
		w.Header().Set("WWW-Authenticate", "TOTP")
		writeText(w, http.StatusUnauthorized, auth.ErrCodeNeeded.Error())
	case errors.Is(err, auth.ErrPasskey):
		writeText(w, http.StatusUnauthorized, auth.ErrPasskey.Error())
	case errors.Is(err, auth.ErrUnauthenticated):
		// A browser that reads pages may ask for a password; a script may not.
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("WWW-Authenticate", `Basic realm="Waymark", charset="UTF-8"`)
		}
		writeText(w, http.StatusUnauthorized, auth.ErrUnauthenticated.Error())
	case isTooLarge(err):
		writeText(w, http.StatusRequestEntityTooLarge, "the request is larger than 1 MiB")
	case errors.Is(err, errBotOff):
		writeText(w, http.StatusConflict, errBotOff.Error())
	case errors.Is(err, data.ErrNotFound):
		writeText(w, http.StatusNotFound, textOf(err, data.ErrNotFound, "not found"))
	case errors.Is(err, data.ErrDenied):
		writeText(w, http.StatusForbidden, textOf(err, data.ErrDenied, "not allowed"))
	case errors.Is(err, data.ErrInvalid):
		writeText(w, http.StatusBadRequest, textOf(err, data.ErrInvalid, "the request breaks a rule"))
	case errors.Is(err, data.ErrConflict):
		writeText(w, http.StatusBadRequest, textOf(err, data.ErrConflict, "it exists already, or was changed meanwhile"))
	case errors.Is(err, data.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		s.requestLog(r).Warn("request not served", "err", err)
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusServiceUnavailable, textOf(err, data.ErrUnavailable, "the server is not ready, try again in a few seconds"))
	default:
		s.requestLog(r).Error("request failed", "err", err)
		writeText(w, http.StatusInternalServerError, internalText(r))
	}
}

func textOf(err, kind error, otherwise string) string {
	if text, ok := strings.CutPrefix(err.Error(), kind.Error()+": "); ok {
		return text
	}
	return otherwise
}

func internalText(r *http.Request) string {
	return "internal error; the server's log has the reason under request " + requestID(r.Context())
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client has gone: nobody is left to tell
}

func writeJSON(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
	return nil
}

func writeNothing(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// appendList appends a JSON array of n objects.
func appendList(b []byte, n int, object func(b []byte, i int) []byte) []byte {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = object(b, i)
	}
	return append(b, ']')
}
