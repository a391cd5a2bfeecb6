// Package calendar answers when an iCalendar file (RFC 5545) applies: is one of
// its events on at a time, and when does the next one begin.
//
// Events repeat by RRULE, RDATE and EXDATE, and by changed occurrences
// (RECURRENCE-ID); cancelled ones (STATUS:CANCELLED) count for nothing. Times
// are in UTC, in the IANA zone that TZID names, or, without either, in a zone
// that the caller gives. Repetition follows the clock on the wall: an event from
// 22:00 to 06:00 is that also in the nights in which clocks change.
//
// Files come from people. What costs unbounded work is refused by Parse: rules
// that repeat more often than daily or never happen, and too many of them.
package calendar

import (
	"slices"
	"sync/atomic"
	"time"
)

// Calendar is a calendar that was read. Its methods may be called by several
// goroutines at once.
type Calendar struct {
	events []event
	// near are the spans around the last time that On was asked for: questions
	// come in the order of time, as a rule.
	near atomic.Pointer[window]
}

// span is a time from begin, included, to end, not included.
type span struct{ begin, end time.Time }

// window holds what is on from and to a time, merged and in order.
type window struct {
	span
	on []span
}

// windowDays is how far a window reaches, from a little before the time asked for.
const windowDays = 32

// On tells whether an event is on at t: begin <= t < end. It costs tens of
// nanoseconds while t moves on, and some microseconds each month.
func (c *Calendar) On(t time.Time) bool {
	w := c.near.Load()
	if w == nil || t.Before(w.begin) || !t.Before(w.end) {
		w = c.look(t)
		c.near.Store(w)
	}
	i, _ := slices.BinarySearchFunc(w.on, t, func(s span, t time.Time) int {
		if t.Before(s.end) {
			return 1
		}
		return -1
	})
	return i < len(w.on) && !t.Before(w.on[i].begin)
}

// look finds what is on around t.
func (c *Calendar) look(t time.Time) *window {
	w := &window{span: span{t.AddDate(0, 0, -1), t.AddDate(0, 0, windowDays)}}
	var all []span
	for i := range c.events {
		c.events[i].each(w.begin.Add(-c.events[i].length()), func(s span) bool {
			if s.end.After(w.begin) && s.end.After(s.begin) && s.begin.Before(w.end) {
				all = append(all, s)
			}
			return s.begin.Before(w.end)
		})
	}
	slices.SortFunc(all, func(a, b span) int { return a.begin.Compare(b.begin) })
	for _, s := range all {
		if n := len(w.on); n > 0 && !s.begin.After(w.on[n-1].end) {
			if s.end.After(w.on[n-1].end) {
				w.on[n-1].end = s.end
			}
			continue
		}
		w.on = append(w.on, s)
	}
	return w
}

// Next returns the event that begins first after a time; of several the longest.
// End is Begin for events without a length. ok is false if none begins any more.
func (c *Calendar) Next(after time.Time) (begin, end time.Time, ok bool) {
	var next span
	for i := range c.events {
		c.events[i].each(after, func(s span) bool {
			if !s.begin.After(after) {
				return true
			}
			if !ok || s.begin.Before(next.begin) || (s.begin.Equal(next.begin) && s.end.After(next.end)) {
				next, ok = s, true
			}
			return false
		})
	}
	return next.begin, next.end, ok
}
