package events

import (
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

const (
	// maxAlarms bounds the kinds of alarm that are remembered of a device, maxAlarm
	// the bytes of one.
	maxAlarms = 32
	maxAlarm  = 64
)

// alarms are the kinds of alarm that a device has given.
type alarms []alarm

type alarm struct {
	kind string
	// seen is when the device gave it last, in
	// milliseconds since 1970 UTC; on: the newest report has it.
	seen int64
	on   bool
}

// step tells of each kind when it begins: a device repeats an alarm as long as
// it lasts. list is joined by commas.
func (s *alarms) step(c *Config, r *report, list string, out []data.Event) []data.Event {
	if list == "" && len(*s) == 0 {
		return out
	}
	for i := range *s {
		if (*s)[i].seen != r.time {
			(*s)[i].on = (*s)[i].on && list != "" && lists(list, (*s)[i].kind)
		}
	}
	if list == "" {
		return out
	}
	for kind := range strings.SplitSeq(list, ",") {
		if kind = strings.TrimSpace(kind); kind != "" && len(kind) <= maxAlarm {
			out = s.give(c, r, kind, out)
		}
	}
	return out
}

func lists(list, kind string) bool {
	for k := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(k) == kind {
			return true
		}
	}
	return false
}

func (s *alarms) give(c *Config, r *report, kind string, out []data.Event) []data.Event {
	i := slices.IndexFunc(*s, func(a alarm) bool { return a.kind == kind })
	if i < 0 {
		i = s.add(kind)
	}
	a := &(*s)[i]
	repeat := a.on || a.seen != 0 && (r.time == a.seen || r.time-a.seen < c.AlarmQuiet.Milliseconds())
	a.on, a.seen = true, r.time
	if repeat {
		return out
	}
	e := r.event(data.EventAlarm)
	e.Detail = kind
	e.Attributes.SetString("alarm", kind)
	return append(out, e)
}

// add makes room for a kind: the one longest not seen goes.
func (s *alarms) add(kind string) int {
	if len(*s) < maxAlarms {
		*s = append(*s, alarm{kind: kind})
		return len(*s) - 1
	}
	oldest := 0
	for i := range *s {
		if (*s)[i].seen < (*s)[oldest].seen {
			oldest = i
		}
	}
	(*s)[oldest] = alarm{kind: kind}
	return oldest
}
