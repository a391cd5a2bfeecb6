package row

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTimes(t *testing.T) {
	for _, want := range []time.Time{
		{}, time.UnixMilli(0).UTC(), time.UnixMilli(-1).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	} {
		if have := Time(Millis(want)); have != want {
			t.Errorf("%v became %v", want, have)
		}
	}
	if !Time(Millis(time.Time{})).IsZero() {
		t.Error("the zero time is lost")
	}
	if ms := Millis(time.Unix(0, -1)); ms != -1 {
		t.Errorf("a nanosecond before 1970 is %d ms", ms)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 3)
	f.Add("\xff\x00ü", 4)
	f.Add(strings.Repeat("🚚", 9), 10)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, min(n, 1<<10))
		have := Clean(s, n)
		if !utf8.ValidString(have) || strings.Contains(have, "\x00") || len(have) > n {
			t.Errorf("Clean(%q, %d) is %q", s, n, have)
		}
		if Clean(have, n) != have {
			t.Errorf("Clean(%q, %d) is not clean", s, n)
		}
		if IsText(s) && len(s) <= n && have != s {
			t.Errorf("Clean(%q, %d) changed it to %q", s, n, have)
		}
	})
}
