package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
)

// maxQueryIDs bounds a list of ids in a query.
const maxQueryIDs = 2000

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{data.ErrInvalid}, args...)...)
}

// readJSON reads the body, one JSON object, into v. Unknown fields are left
// out: clients send back whole objects, computed fields included.
func readJSON(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("the body cannot be read")
	}
	return parseJSON(body, v)
}

func parseJSON(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	for range maxMended {
		var mended bool
		if !errors.As(err, &wrongType) {
			break
		}
		if body, mended = mendNumber(body, wrongType); !mended {
			break
		}
		err = json.Unmarshal(body, v)
	}
	switch {
	case err == nil && string(bytes.TrimSpace(body)) == "null":
		// To the decoder it is a value of everything.
		return errNoObject
	case err == nil:
		return nil
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return invalid("%q must not be a JSON %s", wrongType.Field, wrongType.Value)
	case errors.As(err, &syntax):
		return invalid("the body is not valid JSON at byte %d", syntax.Offset)
	}
	return errNoObject
}

// maxMended bounds the numbers of a body that are mended.
const maxMended = 16

// mendNumber puts a whole number where a client sent it in another form: as a
// text, like an id of the address of its page, or with decimals, like a zoom or
// hours that it has computed. Clients of this interface do, and other servers
// of it take that. The decimals of an id must be zeros.
func mendNumber(body []byte, wrong *json.UnmarshalTypeError) (mended []byte, ok bool) {
	if wrong.Type.Kind() != reflect.Int64 || wrong.Offset > int64(len(body)) {
		return body, false
	}
	before, after := body[:wrong.Offset], body[wrong.Offset:]
	value, isNumber := strings.CutPrefix(wrong.Value, "number ")
	if isNumber {
		if before, ok = bytes.CutSuffix(before, []byte(value)); !ok {
			return body, false
		}
	} else if m := quotedNumber.FindSubmatchIndex(before); m != nil {
		value, before = string(before[m[2]:m[3]]), before[:m[0]]
	}
	f, err := strconv.ParseFloat(value, 64)
	const exact = 1 << 53
	isID := strings.HasSuffix(strings.ToLower(wrong.Field), "id")
	if err != nil || math.Abs(f) >= exact || isID && f != math.Trunc(f) {
		return body, false
	}
	mended = strconv.AppendInt(bytes.Clone(before), int64(math.Round(f)), 10)
	return append(mended, after...), true
}

// quotedNumber is a text that ends what was read, and is a whole number.
var quotedNumber = regexp.MustCompile(`"(-?[0-9]{1,16})"$`)

var errNoObject = invalid("the body is not the JSON object that is expected here")

// pathID reads the id of the path. What is not a number does not exist.
func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, errNoSuchObject
	}
	return id, nil
}

// errNoSuchObject is said of what does not exist and of what may not be seen.
var errNoSuchObject = fmt.Errorf("%w: there is no such object, or you may not see it", data.ErrNotFound)

// hidden makes every "not found" the same.
func hidden(err error) error {
	if errors.Is(err, data.ErrNotFound) {
		return errNoSuchObject
	}
	return err
}

// query is a parsed query string.
type query struct{ url.Values }

func parseQuery(raw string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, invalid("the query cannot be read: %v", err)
	}
	return query{values}, nil
}

// ids reads a repeatable id; nil if there is none.
func (q query) ids(name string) ([]int64, error) {
	values := q.Values[name]
	if len(values) > maxQueryIDs {
		return nil, invalid("%s may be given at most %d times", name, maxQueryIDs)
	}
	var ids []int64
	for _, v := range values {
		id, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, invalid("%s must be a number", name)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// number reads a number that is not negative; 0 if there is none.
func (q query) number(name string) (int64, error) {
	v := q.Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("%s must be a number that is not negative", name)
	}
	return n, nil
}

// flag reads a boolean; false if there is none.
func (q query) flag(name string) (bool, error) {
	v := q.Get(name)
	if v == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, invalid("%s must be true or false", name)
	}
	return b, nil
}

// time reads a time; ok is false if there is none.
func (q query) time(name string) (t time.Time, ok bool, err error) {
	v := q.Get(name)
	if v == "" {
		return time.Time{}, false, nil
	}
	if t, err = parseTime(v); err != nil {
		return time.Time{}, false, invalid("%s must be a time like 2024-10-01T07:53:12.000Z", name)
	}
	return t, true, nil
}

// period reads from and to; zero times if there are none.
func (q query) period() (from, to time.Time, err error) {
	if from, _, err = q.time("from"); err != nil {
		return from, to, err
	}
	if to, _, err = q.time("to"); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		err = invalid("to is before from")
	}
	return from, to, err
}

// parseTime reads ISO 8601 with any number of decimals and with an offset,
// with or without a colon. Clients that do not escape the plus sign of the
// offset send a space.
func parseTime(s string) (time.Time, error) {
	const maxLen = 40
	if len(s) > maxLen {
		return time.Time{}, errors.New("too long")
	}
	if head, offset, ok := strings.Cut(s, " "); ok && strings.Contains(head, "T") {
		s = head + "+" + offset
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05Z0700", s)
	}
	if err != nil {
		return time.Time{}, err
	}
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, errors.New("in UTC the year does not have four digits")
	}
	return t, nil
}

// text cleans a text of a person: trimmed, bounded, without control characters.
// A nil pointer, JSON's null, is empty.
func text(field string, v *string, maxRunes int) (string, error) {
	if v == nil {
		return "", nil
	}
	s := strings.TrimSpace(*v)
	switch {
	case utf8.RuneCountInString(s) > maxRunes:
		return "", invalid("%s is longer than %d characters", field, maxRunes)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", invalid("%s has a control character in it", field)
	}
	return s, nil
}

// attributes reads free attributes; old if there are none, empty for null.
func attributes(raw json.RawMessage, old map[string]any) (map[string]any, error) {
	if raw == nil {
		return old, nil
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, invalid("attributes must be a JSON object")
	}
	return m, nil
}

// optionalTime reads a time; zero for null and "".
func optionalTime(field string, v *string) (time.Time, error) {
	if v == nil || *v == "" {
		return time.Time{}, nil
	}
	t, err := parseTime(*v)
	if err != nil {
		return time.Time{}, invalid("%s must be a time like 2024-10-01T07:53:12.000Z", field)
	}
	return t, nil
}
