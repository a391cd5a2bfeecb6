package calendar

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// event is something that happens once or again and again. Its times are what a
// clock on the wall of its zone shows, written as if they were UTC.
type event struct {
	zone *time.Location
	// begin is the first occurrence, duration how long each one is.
	begin    time.Time
	duration time.Duration
	// rule repeats it; nil if it does not. step is how many days the pattern of
	// the rule may be moved on by, 0 if it may not.
	rule *rrule.ROption
	step int
	// extra are further occurrences (RDATE), in order; except are those left out,
	// exceptDays the days without any.
	extra      []time.Time
	except     map[time.Time]bool
	exceptDays map[time.Time]bool
}

// far is how many years the rules are moved on. The calendar repeats after 400
// years to the day of the week, and the library looks for the next occurrence
// until the year 9999: from there it has not far to go if there is none.
const far = 19 * 400

// length bounds how long an occurrence lasts, in real time: clocks change by a
// few hours at most, zones have changed by a day.
func (e *event) length() time.Duration { return e.duration + 25*time.Hour }

// each calls f for the occurrences in order, beginning with one that begins not
// after from where there is one, until f returns false.
func (e *event) each(from time.Time, f func(span) bool) {
	occurrences := e.occurrences(from)
	extra := e.extra
	next, more := occurrences()
	for more || len(extra) > 0 {
		wall := next
		if !more || (len(extra) > 0 && extra[0].Before(next)) {
			wall, extra = extra[0], extra[1:]
		} else {
			next, more = occurrences()
		}
		if e.except[wall] || e.exceptDays[day(wall)] {
			continue
		}
		if !f(span{e.real(wall), e.real(wall.Add(e.duration))}) {
			return
		}
	}
}

// occurrences walks over the occurrences but the extra ones.
func (e *event) occurrences(from time.Time) func() (time.Time, bool) {
	if e.rule == nil {
		once := true
		return func() (time.Time, bool) {
			first := once
			once = false
			return e.begin, first
		}
	}
	rule := *e.rule
	if days := int(from.Sub(e.begin).Hours()/24) - 2; e.step > 0 && days > e.step {
		rule.Dtstart = rule.Dtstart.AddDate(0, 0, days/e.step*e.step)
	}
	r, err := rrule.NewRRule(rule)
	if err != nil { // Parse has made one of it
		return func() (time.Time, bool) { return time.Time{}, false }
	}
	next := r.Iterator()
	return func() (time.Time, bool) {
		t, ok := next()
		return t.AddDate(-far, 0, 0), ok
	}
}

// real is the time at which the clock on the wall shows another. One that it
// never shows, because clocks go forward, is as much later.
func (e *event) real(wall time.Time) time.Time {
	y, m, d := wall.Date()
	return time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), 0, e.zone).UTC()
}

// onWall is what the clock on the wall of a zone shows at a time.
func onWall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func day(wall time.Time) time.Time { return wall.Truncate(24 * time.Hour) }

// leaveOut removes occurrences.
func (e *event) leaveOut(wall time.Time, wholeDay bool) {
	if wholeDay {
		e.exceptDays[day(wall)] = true
		return
	}
	e.except[wall] = true
}

func (e *event) sortExtra() {
	slices.SortFunc(e.extra, time.Time.Compare)
	e.extra = slices.CompactFunc(e.extra, time.Time.Equal)
}
