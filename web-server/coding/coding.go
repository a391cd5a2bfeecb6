// Package coding sends answers in a content coding that the client understands
// (RFC 9110, 8.4): zstd, br or gzip.
package coding

import (
	"net/http"
	"strconv"
	"strings"
)

// Choose is the coding of those at hand that a client likes best by its
// Accept-Encoding (RFC 9110, 12.5.3), the first of equals, and "" for none:
// because it takes none of them, likes the plain answer better, or does not say.
func Choose(h http.Header, have ...string) string {
	likes := preferences(h)
	best, q := "", likes["identity"]
	for _, name := range have {
		w, ok := likes[name]
		if !ok {
			w = likes["*"]
		}
		// A coding that is as welcome as the plain answer is smaller.
		if w > q || w == q && w > 0 && best == "" {
			best, q = name, w
		}
	}
	return best
}

// preferences are the weights, 0 to 1, of what Accept-Encoding names. A weight
// that cannot be read is 0: what is not clearly welcome is not sent.
func preferences(h http.Header) map[string]float64 {
	likes := map[string]float64{}
	for _, line := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			if name = strings.ToLower(strings.TrimSpace(name)); name == "x-gzip" {
				name = "gzip" // RFC 9110, 8.4.1.3
			}
			likes[name] = weight(params)
		}
	}
	return likes
}

// weight is the q of a list member's parameters; 1 if there is none.
func weight(params string) float64 {
	key, value, _ := strings.Cut(params, "=")
	if !strings.EqualFold(strings.TrimSpace(key), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
