package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/api/openapi"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// handle makes a handler of a function that returns its error. This is the one
// place where errors become answers, see refuse.
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
		refuse(w, r, http.StatusTooManyRequests, tooSoon.Error())
	case errors.Is(err, auth.ErrCodeNeeded):
		// The scheme is made up; existing clients ask for a code when they see it.
		w.Header().Set("WWW-Authenticate", "TOTP")
		refuse(w, r, http.StatusUnauthorized, auth.ErrCodeNeeded.Error())
	case errors.Is(err, auth.ErrPasskey):
		refuse(w, r, http.StatusUnauthorized, auth.ErrPasskey.Error())
	case errors.Is(err, auth.ErrUnauthenticated):
		// A browser that reads pages may ask for a password; a script may not.
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("WWW-Authenticate", `Basic realm="Waymark", charset="UTF-8"`)
		}
		refuse(w, r, http.StatusUnauthorized, unauthenticatedText(r))
	case isTooLarge(err):
		refuse(w, r, http.StatusRequestEntityTooLarge, tooLargeText(err))
	case errors.Is(err, errBotOff):
		refuse(w, r, http.StatusConflict, errBotOff.Error())
	case errors.Is(err, data.ErrNotFound):
		refuse(w, r, http.StatusNotFound, textOf(err, data.ErrNotFound, "not found"))
	case errors.Is(err, data.ErrDenied):
		refuse(w, r, http.StatusForbidden, textOf(err, data.ErrDenied, "not allowed"))
	case errors.Is(err, data.ErrInvalid):
		refuse(w, r, http.StatusBadRequest, textOf(err, data.ErrInvalid, "the request breaks a rule"))
	case errors.Is(err, data.ErrConflict):
		refuse(w, r, http.StatusBadRequest, textOf(err, data.ErrConflict, "it exists already, or was changed meanwhile"))
	case errors.Is(err, data.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		s.requestLog(r).Warn("request not served", "err", err)
		w.Header().Set("Retry-After", "5")
		refuse(w, r, http.StatusServiceUnavailable, textOf(err, data.ErrUnavailable, "the server is not ready, try again in a few seconds"))
	default:
		s.requestLog(r).Error("request failed", "err", err)
		refuse(w, r, http.StatusInternalServerError, internalText(r))
	}
}

// unauthenticatedText does not blame a password that nobody sent.
func unauthenticatedText(r *http.Request) string {
	if _, _, basic := r.BasicAuth(); basic || r.Method == http.MethodPost && r.URL.Path == "/api/session" {
		return auth.ErrUnauthenticated.Error()
	}
	return "not signed in: the session, token or link is missing, has ended or is not known here"
}

func textOf(err, kind error, otherwise string) string {
	if text, ok := strings.CutPrefix(err.Error(), kind.Error()+": "); ok {
		return text
	}
	return otherwise
}

func tooLargeText(err error) string {
	var tooLarge *http.MaxBytesError
	errors.As(err, &tooLarge)
	return fmt.Sprintf("the request is larger than %d MiB", tooLarge.Limit>>20)
}

func internalText(r *http.Request) string {
	return "internal error; the server's log has the reason under request " + requestID(r.Context())
}

// refuse answers with an error: a problem (RFC 9457) at addresses that only
// Waymark has, a text at those that existing clients know.
func refuse(w http.ResponseWriter, r *http.Request, code int, detail string) {
	path, ok := strings.CutPrefix(r.URL.Path, "/api")
	if !ok || !openapi.Own(path) {
		writeText(w, code, detail)
		return
	}
	b := append([]byte(nil), `{"type":"about:blank","title":`...)
	b = data.AppendJSONString(b, http.StatusText(code))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"detail":`...)
	b = append(data.AppendJSONString(b, detail), '}')
	w.Header().Set("Content-Type", openapi.ProblemType)
	w.WriteHeader(code)
	_, _ = w.Write(b) // the client has gone: nobody is left to tell
}

// refuseMethod says which methods an address knows.
func refuseMethod(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if chi.RouteContext(r.Context()).Routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, r, http.StatusMethodNotAllowed, "this address does not know that method")
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client has gone: nobody is left to tell
}

// conditional is the answer to a request that may say what its sender has.
type conditional struct {
	http.ResponseWriter
	request *http.Request
}

// Unwrap is for http.ResponseController.
func (c *conditional) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// tagLists lets writeJSON tag the lists that a GET answers.
func tagLists(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			w = &conditional{w, r}
		}
		next.ServeHTTP(w, r)
	})
}

// writeJSON answers with JSON. A list that is asked for may be kept by the
// client, if it asks each time whether it is still right; an object may not, it
// is or has secrets.
func writeJSON(w http.ResponseWriter, body []byte) error {
	if c, ok := w.(*conditional); ok && len(body) > 0 && body[0] == '[' {
		return writeTagged(w, c.request, "application/json", body)
	}
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
