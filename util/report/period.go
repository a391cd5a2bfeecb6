package report

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Period divides a span.
type Period string

// The periods. Weeks begin on Monday (ISO 8601).
const (
	Whole Period = "whole"
	Day   Period = "day"
	Week  Period = "week"
	Month Period = "month"
)

// ParsePeriod reads a period; empty stays empty, for what the report is made of.
func ParsePeriod(s string) (Period, error) {
	switch p := Period(s); p {
	case "", Whole, Day, Week, Month:
		return p, nil
	}
	return "", fmt.Errorf("%w: the period is %q, it must be whole, day, week or month", data.ErrInvalid, s)
}

// begin is the begin of the period that t lies in.
func (p Period) begin(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	y, m, d := t.Date()
	switch p {
	case Week:
		d -= (int(t.Weekday()) + 6) % 7
	case Month:
		d = 1
	}
	return firstMoment(y, m, d, zone)
}

// next is the begin of the period after the one that begins at t.
func (p Period) next(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	switch p {
	case Week:
		d += 7
	case Month:
		m, d = m+1, 1
	default:
		d++
	}
	return firstMoment(y, m, d, zone)
}

// firstMoment is the begin of a day. Where clocks go forward at midnight, that
// is one o'clock.
func firstMoment(y int, m time.Month, d int, zone *time.Location) time.Time {
	want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	switch {
	case t.Day() != want:
		_, t = t.ZoneBounds()
	case t.Hour() != 0:
		t, _ = t.ZoneBounds()
	}
	return t
}

// span is a span of milliseconds since 1970 UTC, both included.
type span struct{ from, to int64 }

func (s span) has(from, to int64) bool  { return s.from <= from && to <= s.to }
func (s span) meet(from, to int64) bool { return from <= s.to && s.from <= to }
func (s span) cut(from, to int64) span  { return span{max(s.from, from), min(s.to, to)} }

func (a *Ask) span() span { return span{a.From.UnixMilli(), a.To.UnixMilli()} }

// periods calls each for the parts of the span, in order.
func (a *Ask) periods(each func(span) error) error {
	whole := a.span()
	if a.Period == Whole || a.Period == "" {
		return each(whole)
	}
	for begin := a.Period.begin(a.From, a.Zone); begin.UnixMilli() <= whole.to; {
		next := a.Period.next(begin, a.Zone)
		if err := each(whole.cut(begin.UnixMilli(), next.UnixMilli()-1)); err != nil {
			return err
		}
		begin = next
	}
	return nil
}
