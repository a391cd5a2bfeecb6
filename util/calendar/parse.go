package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"

	"github.com/waymark-gps/waymark/data"
)

// What a calendar may have, so that asking it costs milliseconds at most.
const (
	MaxSize      = 128 << 10 // bytes
	maxEvents    = 1000
	maxRules     = 50
	maxRule      = 500 // bytes of an RRULE
	maxInterval  = 1000
	maxCount     = 5000
	maxTimesADay = 24
	maxDates     = 5000 // in RDATE and EXDATE together
	maxDuration  = 366 * 24 * time.Hour
	firstYear    = 1900
	lastYear     = 2199
)

// Parse reads an iCalendar file; times without a zone are UTC. Errors wrap
// data.ErrInvalid and are written for people.
func Parse(file []byte) (*Calendar, error) { return ParseIn(file, time.UTC) }

// ParseIn is Parse with a zone for the times that have none.
func ParseIn(file []byte, zone *time.Location) (c *Calendar, err error) {
	defer func() { // the libraries panic on some of what is no calendar
		if recover() != nil {
			c, err = nil, fmt.Errorf("%w: this is not an iCalendar file", data.ErrInvalid)
		}
	}()
	if len(file) > MaxSize {
		return nil, fmt.Errorf("%w: the calendar is larger than %d KiB", data.ErrInvalid, MaxSize>>10)
	}
	decoded, err := ical.NewDecoder(bytes.NewReader(file)).Decode()
	if err != nil {
		return nil, fmt.Errorf("%w: this is not an iCalendar file: %w", data.ErrInvalid, err)
	}
	p := parser{zone: zone, masters: make(map[string]int)}
	for i, e := range decoded.Events() {
		if err := p.event(&e); err != nil {
			return nil, fmt.Errorf("%w: event %d of the calendar: %w", data.ErrInvalid, i+1, err)
		}
	}
	if len(p.events) == 0 {
		return nil, fmt.Errorf("%w: there is no event in the calendar, nothing would ever apply", data.ErrInvalid)
	}
	for _, change := range p.changes {
		if i, ok := p.masters[change.uid]; ok {
			p.events[i].leaveOut(onWall(change.at, p.events[i].zone), change.wholeDay)
		}
	}
	return &Calendar{events: p.events}, nil
}

type parser struct {
	zone   *time.Location
	events []event
	// masters are the events that repeat, by UID; changes are occurrences of
	// them that other events stand for.
	masters      map[string]int
	changes      []change
	rules, dates int
}

type change struct {
	uid      string
	at       time.Time
	wholeDay bool
}

func (p *parser) event(e *ical.Event) error {
	if len(p.events) >= maxEvents {
		return fmt.Errorf("more than %d events", maxEvents)
	}
	uid := value(e, ical.PropUID)
	if at := e.Props.Get(ical.PropRecurrenceID); at != nil {
		t, zone, err := p.time(at)
		if err != nil {
			return fmt.Errorf("RECURRENCE-ID: %w", err)
		}
		p.changes = append(p.changes, change{uid, time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone), isDate(at)})
	}
	if strings.EqualFold(value(e, ical.PropStatus), string(ical.EventCancelled)) {
		return nil
	}
	out := event{except: make(map[time.Time]bool), exceptDays: make(map[time.Time]bool)}
	if err := p.times(e, &out); err != nil {
		return err
	}
	if err := p.moreDates(e, &out); err != nil {
		return err
	}
	if err := p.rule(e, &out); err != nil {
		return err
	}
	if out.rule != nil || len(out.extra) > 0 {
		p.masters[uid] = len(p.events)
	}
	p.events = append(p.events, out)
	return nil
}

// times reads when an event begins and how long it takes.
func (p *parser) times(e *ical.Event, out *event) (err error) {
	start := e.Props.Get(ical.PropDateTimeStart)
	if start == nil {
		return errors.New("its begin (DTSTART) is missing")
	}
	if out.begin, out.zone, err = p.time(start); err != nil {
		return fmt.Errorf("its begin (DTSTART): %w", err)
	}
	end, length := e.Props.Get(ical.PropDateTimeEnd), e.Props.Get(ical.PropDuration)
	switch {
	case end != nil:
		t, zone, err := p.time(end)
		if err != nil {
			return fmt.Errorf("its end (DTEND): %w", err)
		}
		if zone != out.zone { // it ends elsewhere
			at := event{zone: zone}
			t = onWall(at.real(t), out.zone)
		}
		out.duration = t.Sub(out.begin)
	case length != nil:
		if out.duration, err = length.Duration(); err != nil {
			return fmt.Errorf("DURATION: %w", err)
		}
	case isDate(start):
		out.duration = 24 * time.Hour
	}
	if out.duration < 0 {
		return errors.New("it ends before it begins")
	}
	if out.duration > maxDuration {
		return errors.New("it is longer than a year")
	}
	return nil
}

// moreDates reads the dates added and left out.
func (p *parser) moreDates(e *ical.Event, out *event) error {
	for _, name := range []string{ical.PropRecurrenceDates, ical.PropExceptionDates} {
		for _, list := range e.Props.Values(name) {
			for text := range strings.SplitSeq(list.Value, ",") {
				if p.dates++; p.dates > maxDates {
					return fmt.Errorf("more than %d dates in RDATE and EXDATE", maxDates)
				}
				one := list
				one.Value = strings.TrimSpace(text)
				t, zone, err := p.time(&one)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if zone != out.zone && !isDate(&one) {
					at := event{zone: zone}
					t = onWall(at.real(t), out.zone)
				}
				if name == ical.PropExceptionDates {
					out.leaveOut(t, isDate(&one))
				} else {
					out.extra = append(out.extra, t)
				}
			}
		}
	}
	if out.sortExtra(); len(out.extra) > 0 { // the first one is there already
		out.extra = remove(out.extra, out.begin)
	}
	return nil
}

func remove(list []time.Time, t time.Time) []time.Time {
	for i := range list {
		if list[i].Equal(t) {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// rule reads how an event repeats.
func (p *parser) rule(e *ical.Event, out *event) error {
	prop := e.Props.Get(ical.PropRecurrenceRule)
	if prop == nil {
		return nil
	}
	if p.rules++; p.rules > maxRules {
		return fmt.Errorf("more than %d events that repeat", maxRules)
	}
	if len(prop.Value) > maxRule {
		return fmt.Errorf("its repetition (RRULE) is longer than %d bytes", maxRule)
	}
	rule, err := rrule.StrToROption(strings.ToUpper(prop.Value))
	if err != nil {
		return fmt.Errorf("its repetition (RRULE) is not understood: %w", err)
	}
	times := max(len(rule.Byhour), 1) * max(len(rule.Byminute), 1) * max(len(rule.Bysecond), 1)
	switch {
	case rule.Freq > rrule.DAILY:
		return fmt.Errorf("it repeats %s: write FREQ=DAILY with BYHOUR instead", strings.ToLower(rule.Freq.String()))
	case rule.Interval < 0 || rule.Interval > maxInterval || rule.Count < 0 || rule.Count > maxCount:
		return fmt.Errorf("its INTERVAL must be 1 to %d and its COUNT 1 to %d", maxInterval, maxCount)
	case times > maxTimesADay:
		return fmt.Errorf("it happens more than %d times a day", maxTimesADay)
	}
	rule.Dtstart = out.begin.AddDate(far, 0, 0)
	if !rule.Until.IsZero() {
		rule.Until = until(prop.Value, rule.Until, out.zone).AddDate(far, 0, 0)
	}
	if rule.Count == 0 {
		switch interval := max(rule.Interval, 1); rule.Freq {
		case rrule.DAILY:
			out.step = interval
		case rrule.WEEKLY:
			out.step = 7 * interval // whole weeks keep the weekday of DTSTART
		}
	}
	out.rule = rule
	if _, happens := out.occurrences(out.begin)(); !happens {
		return errors.New("its repetition (RRULE) never happens")
	}
	return nil
}

// until is the last time of a rule on the wall: UTC is turned into it, and a
// date means the whole day.
func until(rule string, t time.Time, zone *time.Location) time.Time {
	_, text, _ := strings.Cut(strings.ToUpper(rule), "UNTIL=")
	text, _, _ = strings.Cut(text, ";")
	switch {
	case strings.HasSuffix(text, "Z"):
		return onWall(t, zone)
	case !strings.Contains(text, "T"):
		return t.Add(24*time.Hour - time.Second)
	}
	return t
}

// time reads a date or a time as the clock on the wall of its zone shows it.
func (p *parser) time(prop *ical.Prop) (wall time.Time, zone *time.Location, err error) {
	zone = p.zone
	if name := prop.Params.Get(ical.PropTimezoneID); name != "" && !isDate(prop) {
		if zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return wall, nil, fmt.Errorf("the time zone %.64q is not known: use a name like Europe/Berlin", name)
		}
	}
	if strings.HasSuffix(prop.Value, "Z") {
		zone = time.UTC
	}
	format := "20060102T150405"
	if isDate(prop) {
		format = "20060102"
	}
	if wall, err = time.Parse(format, strings.TrimSuffix(prop.Value, "Z")); err != nil {
		return wall, nil, fmt.Errorf("%.64q is no date and no time", prop.Value)
	}
	if wall.Year() < firstYear || wall.Year() > lastYear {
		return wall, nil, fmt.Errorf("the year must be %d to %d", firstYear, lastYear)
	}
	return wall, zone, nil
}

func isDate(prop *ical.Prop) bool {
	return prop.ValueType() == ical.ValueDate || len(prop.Value) == len("20060102")
}

func value(e *ical.Event, name string) string {
	if prop := e.Props.Get(name); prop != nil {
		return prop.Value
	}
	return ""
}
