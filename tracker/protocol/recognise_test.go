package protocol

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// reader reads the whole buffer as one frame, if it is at least so long.
type reader struct {
	least  int
	packet data.Packet
	err    error
	panics bool
}

func (r reader) Next(buf []byte) ([]byte, int, error) {
	if len(buf) < max(r.least, 1) {
		return nil, 0, nil
	}
	return buf, len(buf), nil
}

func (r reader) Decode([]byte, time.Time) (data.Packet, error) {
	if r.panics {
		panic("a bug")
	}
	return r.packet, r.err
}

func TestRecognise(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	at := func(when time.Time, latitude float64) data.Packet {
		return data.Packet{Positions: []data.Position{{FixTime: when, Latitude: latitude}}}
	}
	make := func(name string, m Match, r reader) Protocol {
		return Protocol{
			Name: name, Transports: TCP, New: func(Transport) Codec { return r },
			Signature: func([]byte, Transport) Match { return m },
		}
	}
	named, fine, far := reader{packet: data.Packet{Identity: "1"}}, reader{packet: at(now, 1)}, reader{packet: at(now.Add(1000*time.Hour), 1)}
	for name, c := range map[string]struct {
		list []Protocol
		now  string // chosen at once, "wait" or ""
		last string // chosen at last
	}{
		"one is sure":                          {[]Protocol{make("a", Sure, far), make("b", Maybe, fine)}, "a", "a"},
		"none fits":                            {[]Protocol{make("a", No, fine)}, "", ""},
		"the one that reads a place wins":      {[]Protocol{make("a", Maybe, reader{}), make("b", Maybe, fine)}, "b", "b"},
		"two read it":                          {[]Protocol{make("a", Maybe, named), make("b", Maybe, fine)}, "wait", ""},
		"two are sure, one reads it":           {[]Protocol{make("a", Sure, reader{err: errors.New("bad")}), make("b", Sure, fine)}, "b", "b"},
		"a time that is not yet":               {[]Protocol{make("a", Maybe, far)}, "", ""},
		"a place that is none":                 {[]Protocol{make("a", Maybe, reader{packet: at(now, 91)})}, "", ""},
		"unreadable":                           {[]Protocol{make("a", Maybe, reader{err: errors.New("bad")})}, "", ""},
		"a bug":                                {[]Protocol{make("a", Maybe, reader{panics: true}), make("b", Maybe, fine)}, "b", "b"},
		"nothing whole yet":                    {[]Protocol{make("a", Maybe, reader{least: 100})}, "wait", "a"},
		"another may fit better":               {[]Protocol{make("a", Maybe, fine), make("b", NeedMore, reader{least: 100})}, "wait", "a"},
		"only beginnings":                      {[]Protocol{make("a", NeedMore, reader{least: 100})}, "wait", "a"},
		"two beginnings":                       {[]Protocol{make("a", NeedMore, reader{least: 100}), make("b", NeedMore, reader{least: 100})}, "wait", ""},
		"a beginning that says where it is":    {[]Protocol{make("a", NeedMore, fine)}, "wait", ""},
		"another transport":                    {[]Protocol{{Name: "a", Transports: UDP, Signature: func([]byte, Transport) Match { return Sure }}}, "", ""},
		"a protocol that does not know itself": {[]Protocol{{Name: "a", Transports: TCP}}, "", ""},
	} {
		for _, last := range []bool{false, true} {
			want := c.now
			if last {
				want = c.last
			}
			guess := Recognise(c.list, []byte("some bytes"), TCP, now, last)
			have := ""
			switch {
			case guess.Protocol != nil:
				have = guess.Protocol.Name
			case guess.Wait:
				have = "wait"
			}
			if have != want {
				t.Errorf("%s (last %t): %q, want %q", name, last, have, want)
			}
			if guess.Protocol != nil && (len(guess.Names) == 0 || guess.Names[0] != have) {
				t.Errorf("%s: names %v", name, guess.Names)
			}
		}
	}
	var many []Protocol
	for _, name := range strings.Split("abcdefgh", "") {
		many = append(many, make(name, Maybe, fine))
	}
	if guess := Recognise(many, []byte("x"), TCP, now, true); !slices.Equal(guess.Names, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("names %v", guess.Names)
	}
}

func TestBegins(t *testing.T) {
	pattern := regexp.MustCompile(`^ab\d`)
	for in, want := range map[string][2]Match{
		"": {NeedMore, NeedMore}, "a": {NeedMore, NeedMore}, "ab": {Sure, NeedMore}, "ab1": {Sure, Sure}, "abc": {Sure, NeedMore},
		"b": {No, NeedMore}, "abcdefgh": {Sure, No}, "a\x00": {No, No}, "a\r": {No, NeedMore}, "a\r\n": {No, No},
	} {
		if have := Begins([]byte(in), "ab"); have != want[0] {
			t.Errorf("%q begins like the mark: %d, want %d", in, have, want[0])
		}
		if have := BeginsLike([]byte(in), pattern, 6); have != want[1] {
			t.Errorf("%q begins like the pattern: %d, want %d", in, have, want[1])
		}
	}
	if BeginsAny([]byte("xy"), "ab", "xyz") != NeedMore || BeginsAny([]byte("xy"), "x", "xyz") != Sure || BeginsAny([]byte("xy")) != No {
		t.Error("the best of several")
	}
}
