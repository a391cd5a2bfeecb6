package calendar

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	_ "time/tzdata" // the zones of these tests, wherever they run

	"github.com/waymark-gps/waymark/data"
)

// file makes a calendar of events, each written as its lines.
func file(events ...string) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n")
	for i, e := range events {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%d\r\nDTSTAMP:20260101T000000Z\r\n%s\r\nEND:VEVENT\r\n", i, strings.ReplaceAll(e, "|", "\r\n"))
	}
	return []byte(b.String() + "END:VCALENDAR\r\n")
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, events ...string) *Calendar {
	t.Helper()
	c, err := Parse(file(events...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// begins are the next n events, in UTC.
func begins(c *Calendar, after string, n int) string {
	t, err := time.Parse("2006-01-02T15:04Z", after)
	if err != nil {
		return err.Error()
	}
	var out []string
	for range n {
		begin, end, ok := c.Next(t)
		if !ok {
			out = append(out, "none")
			break
		}
		out = append(out, begin.UTC().Format("0102T1504")+"-"+end.UTC().Format("0102T1504"))
		t = begin
	}
	return strings.Join(out, " ")
}

func TestNext(t *testing.T) {
	const berlin = ";TZID=Europe/Berlin:"
	for _, test := range []struct {
		name, event, after, want string
	}{
		{"once", "DTSTART:20260310T080000Z|DTEND:20260310T093000Z", "2026-01-01T00:00Z", "0310T0800-0310T0930 none"},
		{"strictly after", "DTSTART:20260310T080000Z|DTEND:20260310T093000Z", "2026-03-10T08:00Z", "none"},
		{"duration", "DTSTART:20260310T080000Z|DURATION:P1DT2H", "2026-01-01T00:00Z", "0310T0800-0311T1000 none"},
		{"a moment", "DTSTART:20260310T080000Z", "2026-01-01T00:00Z", "0310T0800-0310T0800 none"},
		{"all day", "DTSTART;VALUE=DATE:20260310", "2026-01-01T00:00Z", "0310T0000-0311T0000 none"},
		{"several days", "DTSTART;VALUE=DATE:20260310|DTEND;VALUE=DATE:20260313", "2026-01-01T00:00Z", "0310T0000-0313T0000 none"},
		{
			"daily over the change of clocks", "DTSTART" + berlin + "20260101T080000|DTEND" + berlin + "20260101T170000|RRULE:FREQ=DAILY",
			"2026-03-27T20:00Z", "0328T0700-0328T1600 0329T0600-0329T1500 0330T0600-0330T1500",
		},
		{
			"a night in which an hour is missing", "DTSTART" + berlin + "20260101T220000|DTEND" + berlin + "20260102T060000|RRULE:FREQ=DAILY",
			"2026-03-28T00:00Z", "0328T2100-0329T0400 0329T2000-0330T0400",
		},
		{
			"an hour that does not exist", "DTSTART" + berlin + "20260101T023000|DURATION:PT10M|RRULE:FREQ=DAILY",
			"2026-03-28T00:00Z", "0328T0130-0328T0140 0329T0130-0329T0140 0330T0030-0330T0040",
		},
		{
			"working days", "DTSTART:20200106T080000Z|DURATION:PT1H|RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
			"2026-03-13T00:00Z", "0313T0800-0313T0900 0316T0800-0316T0900",
		},
		{
			"every second week", "DTSTART:20260105T080000Z|DURATION:PT1H|RRULE:FREQ=WEEKLY;INTERVAL=2",
			"2026-06-01T12:00Z", "0608T0800-0608T0900 0622T0800-0622T0900",
		},
		{
			"every third day", "DTSTART:20251230T080000Z|DURATION:PT1H|RRULE:FREQ=DAILY;INTERVAL=3",
			"2026-12-20T12:00Z", "1222T0800-1222T0900 1225T0800-1225T0900",
		},
		{
			"last Friday of a month", "DTSTART:20200131T080000Z|DURATION:PT1H|RRULE:FREQ=MONTHLY;BYDAY=-1FR",
			"2026-02-01T00:00Z", "0227T0800-0227T0900 0327T0800-0327T0900",
		},
		{
			"last working day of a month", "DTSTART:20200131T080000Z|DURATION:PT1H|RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
			"2026-05-01T00:00Z", "0529T0800-0529T0900 0630T0800-0630T0900",
		},
		{"29 February", "DTSTART;VALUE=DATE:20240229|RRULE:FREQ=YEARLY", "2026-01-01T00:00Z", "0229T0000-0301T0000 0229T0000-0301T0000"},
		{
			"several times a day", "DTSTART:20260101T060000Z|DURATION:PT1H|RRULE:FREQ=DAILY;BYHOUR=6,14,22",
			"2026-02-01T06:00Z", "0201T1400-0201T1500 0201T2200-0201T2300 0202T0600-0202T0700",
		},
		{"until, included", "DTSTART:20260101T060000Z|RRULE:FREQ=DAILY;UNTIL=20260103T060000Z", "2026-01-01T07:00Z", "0102T0600-0102T0600 0103T0600-0103T0600 none"},
		{
			"until in UTC of a time in a zone", "DTSTART" + berlin + "20260101T000000|RRULE:FREQ=DAILY;UNTIL=20260102T230000Z",
			"2026-01-01T00:00Z", "0101T2300-0101T2300 0102T2300-0102T2300 none",
		},
		{"until a day", "DTSTART:20260101T060000Z|RRULE:FREQ=DAILY;UNTIL=20260102", "2026-01-01T07:00Z", "0102T0600-0102T0600 none"},
		{"count", "DTSTART:20260101T060000Z|RRULE:FREQ=DAILY;COUNT=3", "2026-01-01T07:00Z", "0102T0600-0102T0600 0103T0600-0103T0600 none"},
		{
			"left out", "DTSTART:20260101T060000Z|RRULE:FREQ=DAILY;COUNT=4|EXDATE:20260102T060000Z,20260103T060000Z",
			"2026-01-01T00:00Z", "0101T0600-0101T0600 0104T0600-0104T0600 none",
		},
		{"left out in another zone", "DTSTART" + berlin + "20260101T060000|RRULE:FREQ=DAILY;COUNT=2|EXDATE:20260102T050000Z", "2026-01-01T00:00Z", "0101T0500-0101T0500 none"},
		{"left out by day", "DTSTART:20260101T060000Z|RRULE:FREQ=DAILY;COUNT=2|EXDATE;VALUE=DATE:20260102", "2026-01-01T00:00Z", "0101T0600-0101T0600 none"},
		{"further ones", "DTSTART:20260101T060000Z|DURATION:PT1H|RDATE:20260103T070000Z|RDATE:20260101T060000Z", "2026-01-01T00:00Z", "0101T0600-0101T0700 0103T0700-0103T0800 none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := strings.Count(test.want, " ") + 1
			if have := begins(parse(t, test.event), test.after, n); have != test.want {
				t.Errorf("\nhave %s\nwant %s", have, test.want)
			}
		})
	}
}

// An occurrence that was moved, and one that was cancelled.
func TestChangedOccurrences(t *testing.T) {
	text := string(file("DTSTART:20260101T060000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
		"RECURRENCE-ID:20260102T060000Z|DTSTART:20260102T120000Z|DURATION:PT2H",
		"RECURRENCE-ID:20260103T060000Z|DTSTART:20260103T060000Z|STATUS:CANCELLED"))
	for _, uid := range []string{"1", "2"} {
		text = strings.ReplaceAll(text, "UID:"+uid+"\r", "UID:0\r")
	}
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if have, want := begins(c, "2026-01-01T00:00Z", 3), "0101T0600-0101T0700 0102T1200-0102T1400 none"; have != want {
		t.Errorf("\nhave %s\nwant %s", have, want)
	}
}

func TestFloatingTimesAreInTheZoneGiven(t *testing.T) {
	c, err := ParseIn(file("DTSTART:20260701T080000|DURATION:PT1H", "DTSTART;VALUE=DATE:20260801"), zone(t, "Asia/Kathmandu"))
	if err != nil {
		t.Fatal(err)
	}
	if have, want := begins(c, "2026-01-01T00:00Z", 3), "0701T0215-0701T0315 0731T1815-0801T1815 none"; have != want {
		t.Errorf("\nhave %s\nwant %s", have, want)
	}
}

func TestOn(t *testing.T) {
	c := parse(t, "DTSTART;TZID=Europe/Berlin:20260101T220000|DTEND;TZID=Europe/Berlin:20260102T060000|RRULE:FREQ=DAILY",
		"DTSTART:20260105T050000Z|DTEND:20260105T070000Z", "DTSTART:20260106T120000Z")
	for at, want := range map[string]bool{
		"2026-01-01T20:59Z": false, "2026-01-01T21:00Z": true, "2026-01-02T04:59Z": true, "2026-01-02T05:00Z": false,
		"2026-01-05T05:30Z": true, "2026-01-05T07:00Z": false, // one follows the other
		"2026-01-06T12:00Z": false, // a moment has no length
		"2030-07-01T03:59Z": true, "2030-07-01T04:00Z": false, "2020-01-01T22:00Z": false,
	} {
		moment, err := time.Parse("2006-01-02T15:04Z", at)
		if err != nil {
			t.Fatal(err)
		}
		if have := c.On(moment); have != want {
			t.Errorf("at %s: %v", at, have)
		}
	}
}

// On agrees with Next, whatever the order of the questions.
func TestOnAgreesWithNext(t *testing.T) {
	c := parse(t, "DTSTART;TZID=America/New_York:20250110T233000|DURATION:P1DT3H|RRULE:FREQ=MONTHLY;BYDAY=2FR,-1MO",
		"DTSTART;TZID=Australia/Lord_Howe:20250101T013000|DURATION:PT3H|RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,WE",
		"DTSTART;VALUE=DATE:20250401|RRULE:FREQ=YEARLY;BYMONTH=4,10;BYDAY=1SU")
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	var spans []span
	for at := start; at.Year() < 2028; {
		// All that begin at the same moment are as long as the longest or shorter.
		begin, end, ok := c.Next(at)
		if !ok {
			t.Fatal("it ends")
		}
		spans, at = append(spans, span{begin, end}), begin
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		at := start.Add(time.Duration(random.Int64N(int64(3 * 365 * 24 * time.Hour))))
		want := false
		for _, s := range spans {
			want = want || (!at.Before(s.begin) && at.Before(s.end))
		}
		if have := c.On(at); have != want {
			t.Fatalf("at %v: on is %v, the events say %v", at, have, want)
		}
	}
}

func TestRefused(t *testing.T) {
	const start = "DTSTART:20260101T060000Z|"
	for want, text := range map[string][]byte{
		"not an iCalendar file":     []byte("hello"),
		"there is no event":         file(),
		"(DTSTART) is missing":      file("DTEND:20260101T060000Z"),
		"is no date":                file("DTSTART:20261301T060000Z"),
		"time zone \"Mars\"":        file("DTSTART;TZID=Mars:20260101T060000"),
		"time zone \"Local\"":       file("DTSTART;TZID=Local:20260101T060000"),
		"ends before it begins":     file(start + "DTEND:20251231T060000Z"),
		"longer than a year":        file(start + "DURATION:P400D"),
		"repeats minutely":          file(start + "RRULE:FREQ=MINUTELY"),
		"more than 24 times a day":  file(start + "RRULE:FREQ=DAILY;BYMINUTE=0,1,2,3,4;BYHOUR=0,1,2,3,4"),
		"never happens":             file(start + "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
		"INTERVAL must be":          file(start + "RRULE:FREQ=DAILY;INTERVAL=9223372036854775807"),
		"is not understood":         file(start + "RRULE:FREQ=SOMETIMES"),
		"larger than 128 KiB":       make([]byte, MaxSize+1),
		"the year must be":          file("DTSTART:00010101T060000Z"),
		"50 events that repeat":     file(strings.Split(strings.Repeat(start+"RRULE:FREQ=DAILY\x00", 51), "\x00")...),
		"5000 dates":                file(start + "EXDATE:20260101T060000Z" + strings.Repeat(",20260101T060000Z", maxDates)),
		"event 2 of the calendar: ": file(start, "DTSTART:x"),
	} {
		_, err := Parse(text)
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range [][]byte{
		file("DTSTART;TZID=Europe/Berlin:20260101T220000|DTEND;TZID=Europe/Berlin:20260102T060000|RRULE:FREQ=DAILY;UNTIL=20270101"),
		file("DTSTART;VALUE=DATE:20260101|RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;BYSETPOS=-1|EXDATE;VALUE=DATE:20270101"),
		file("DTSTART:20260101T060000Z|DURATION:P1W|RRULE:FREQ=MONTHLY;COUNT=9;BYMONTHDAY=-1,31|RDATE:20260101T070000Z"),
		file("DTSTART:20260101T060000Z|RECURRENCE-ID:20260101T060000Z|STATUS:CANCELLED"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		c, err := Parse(b)
		if err == nil {
			at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
			for range 3 {
				begin, end, ok := c.Next(at)
				if !ok {
					break
				}
				if !begin.After(at) || end.Before(begin) {
					t.Fatalf("after %v comes %v to %v", at, begin, end)
				}
				if end.After(begin) && !c.On(begin) {
					t.Fatalf("not on at its begin %v", begin)
				}
				at = begin
			}
		} else if !errors.Is(err, data.ErrInvalid) {
			t.Fatalf("error of the wrong kind: %v", err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Fatalf("took %v", took)
		}
	})
}

// BenchmarkOn is what a geofence with a calendar costs per position.
func BenchmarkOn(b *testing.B) {
	c := parse(b, "DTSTART;TZID=Europe/Berlin:20100101T220000|DTEND;TZID=Europe/Berlin:20100102T060000|RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		at = at.Add(10 * time.Second)
		c.On(at)
	}
}

// BenchmarkWorst are the dearest calendars that are accepted and refused.
func BenchmarkWorst(b *testing.B) {
	never := file("DTSTART:19000101T060000Z|RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
	b.Run("never", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(never); err == nil {
				b.Fatal("accepted")
			}
		}
	})
	counted := parse(b, strings.Split(strings.TrimSuffix(strings.Repeat("DTSTART:19990101T060000Z|RRULE:FREQ=DAILY;COUNT=5000\x00", maxRules), "\x00"), "\x00")...)
	b.Run("counted", func(b *testing.B) {
		for b.Loop() {
			counted.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	})
}
