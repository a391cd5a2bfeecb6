package filter

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Reason is why a position is filtered; empty if it is not.
type Reason string

// The reasons.
const (
	Invalid      Reason = "invalid"
	Zero         Reason = "zero"
	Duplicate    Reason = "duplicate"
	Range        Reason = "range"
	Future       Reason = "future"
	Past         Reason = "past"
	Jump         Reason = "jump"
	Acceleration Reason = "acceleration"
	Accuracy     Reason = "accuracy"
	Drift        Reason = "drift"
	Period       Reason = "period"
	Distance     Reason = "distance"
)

// Mark is what a filter says about a position. The zero Mark is a kept one.
type Mark struct {
	Reason Reason
	// Value and Limit are in the unit of the reason: seconds for future, past and
	// period; km/h for jump; m/s² for acceleration; metres for accuracy, drift and
	// distance.
	Value, Limit float64
	// DistanceM and Seconds are the way and time since the last kept place, for
	// jump and acceleration.
	DistanceM, Seconds float64
}

// The attributes that hold a mark. "filtered" is the reason and is all that a
// list of positions has to look at.
const (
	KeyReason   = "filtered"
	keyValue    = "filterValue"
	keyLimit    = "filterLimit"
	keyDistance = "filterDistanceM"
	keySeconds  = "filterS"
)

// Put writes the mark into a position's attributes in place of an older one; a
// kept position has none of them.
func (m Mark) Put(a *data.Attributes) {
	if m.Reason == "" && a.Get(KeyReason).Kind() == data.KindNone {
		return
	}
	a.SetString(KeyReason, string(m.Reason))
	put(a, keyValue, m.Value)
	put(a, keyLimit, m.Limit)
	put(a, keyDistance, m.DistanceM)
	put(a, keySeconds, m.Seconds)
}

func put(a *data.Attributes, key string, n float64) {
	if n == 0 {
		a.Set(key, data.Value{})
		return
	}
	a.SetFloat(key, n)
}

// MarkOf reads the mark of a stored position.
func MarkOf(a data.Attributes) Mark {
	reason, _ := a.Get(KeyReason).Text()
	if reason == "" {
		return Mark{}
	}
	m := Mark{Reason: Reason(reason)}
	m.Value, _ = a.Get(keyValue).Float()
	m.Limit, _ = a.Get(keyLimit).Float()
	m.DistanceM, _ = a.Get(keyDistance).Float()
	m.Seconds, _ = a.Get(keySeconds).Float()
	return m
}

// String explains the mark to a person; empty for a kept position.
func (m Mark) String() string {
	switch m.Reason {
	case Invalid:
		return "invalid: the device says that it has no fix"
	case Zero:
		return "zero: latitude and longitude are 0, which trackers send without a fix"
	case Duplicate:
		return "duplicate: the same fix was reported before"
	case Range:
		return "range: latitude or longitude is not on the earth"
	case Future:
		return fmt.Sprintf("future: its time is %s after its arrival, limit %s", span(m.Value), span(m.Limit))
	case Past:
		if m.Limit == 0 {
			return "past: its time is before the year 2000"
		}
		return fmt.Sprintf("past: its time is %s before its arrival, limit %s", span(m.Value), span(m.Limit))
	case Jump:
		return fmt.Sprintf("jump: %s in %s = %s km/h, limit %s", way(m.DistanceM), span(m.Seconds), thousands(m.Value), thousands(m.Limit))
	case Acceleration:
		return fmt.Sprintf("acceleration: %s in %s needs %s m/s², limit %s",
			way(m.DistanceM), span(m.Seconds), thousands(m.Value), thousands(m.Limit))
	case Accuracy:
		return fmt.Sprintf("accuracy: uncertain by %s, limit %s", way(m.Value), way(m.Limit))
	case Drift:
		return fmt.Sprintf("drift: standing, %s from the last kept place, limit %s", way(m.Value), way(m.Limit))
	case Period:
		return fmt.Sprintf("period: only %s after the last kept place, minimum %s", span(m.Value), span(m.Limit))
	case Distance:
		return fmt.Sprintf("distance: only %s from the last kept place, minimum %s", way(m.Value), way(m.Limit))
	}
	return string(m.Reason)
}

// span shows seconds.
func span(s float64) string {
	if s < 120 {
		return strconv.FormatFloat(s, 'g', 3, 64) + " s"
	}
	if s >= 48*3600 {
		return thousands(s/86400) + " days"
	}
	return (time.Duration(s) * time.Second).String()
}

// way shows metres.
func way(m float64) string {
	if m < 10_000 {
		return thousands(m) + " m"
	}
	return thousands(m/1000) + " km"
}

// thousands shows a number without digits that nobody reads.
func thousands(f float64) string {
	if f < 100 {
		return strconv.FormatFloat(f, 'g', 3, 64)
	}
	s := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
