package presence

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// proximityDistance is the setting of a device, its groups or the server: how
	// near the devices that are linked to it must be, in metres.
	proximityDistance = "proximityDistance"
	defaultNearM      = 100
	// leaveFactor is how many times as far they must be to be apart again.
	leaveFactor = 1.5
	// apart bounds the time between two places that are compared.
	apart = 10 * time.Minute
	// company is how long a device that begins to move waits for a report of one
	// that belongs to it.
	company = 2 * time.Minute
	// maxPairs bounds the links that are watched.
	maxPairs = 100_000
	// remembered is how far back it is looked whether two were near each other.
	remembered = 30 * 24 * time.Hour
)

// pair is a link of a device to one that belongs to it.
type pair struct{ device, linked int64 }

// pairs are all links, and where their devices are. The lock of the Watch
// guards them.
type pairs struct {
	places map[int64]*place
	near   map[pair]bool
	nearM  map[int64]float64 // by device
	linked map[int64][]int64
	// owners are the devices to which one belongs.
	owners map[int64][]int64
}

// place is where a device was last, and whether it moves alone.
type place struct {
	lat, lon, accuracy float64
	time               time.Time
	position           int64
	known, moving      bool
	alone              *departure
}

// departure is that a device has begun to move, and nobody was seen with it.
type departure struct {
	lat, lon float64
	time     time.Time
	position int64
	until    time.Time // then it is alone
}

// readPairs reads the links and, of devices that are new to them, where they are.
func (w *Watch) readPairs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	links, err := w.store.ListLinks(ctx, storage.LinkFilter{Owner: data.DeviceKind, Property: data.LinkedDeviceKind})
	if err != nil {
		return fmt.Errorf("read links of devices: %w", err)
	}
	if len(links) > maxPairs {
		w.log.Warn("too many links between devices, some are not watched", "links", len(links), "watched", maxPairs)
		links = links[:maxPairs]
	}
	next := newPairs(links)
	w.mu.Lock()
	strangers, owners := next.keep(&w.pairs)
	w.mu.Unlock()
	if err := w.readNear(ctx, &next, owners); err != nil {
		return err
	}
	if err := w.readDistances(ctx, &next); err != nil {
		return err
	}
	var latest []data.Position
	for of := range slices.Chunk(strangers, chunk) {
		found, err := w.store.LatestPositions(ctx, of)
		if err != nil {
			return fmt.Errorf("read positions: %w", err)
		}
		latest = append(latest, found...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	next.keep(&w.pairs) // what has come meanwhile
	w.pairs = next
	for i := range latest {
		w.pairs.at(&latest[i], w.add)
	}
	return nil
}

func newPairs(links []data.Link) pairs {
	ps := pairs{
		places: map[int64]*place{}, near: map[pair]bool{}, nearM: map[int64]float64{}, linked: map[int64][]int64{}, owners: map[int64][]int64{},
	}
	for _, l := range links {
		if l.OwnerID == l.PropertyID {
			continue
		}
		ps.linked[l.OwnerID] = append(ps.linked[l.OwnerID], l.PropertyID)
		ps.owners[l.PropertyID] = append(ps.owners[l.PropertyID], l.OwnerID)
		ps.places[l.OwnerID], ps.places[l.PropertyID] = &place{}, &place{}
		ps.near[pair{l.OwnerID, l.PropertyID}] = false
	}
	return ps
}

// keep takes over what is known already. strangers are devices whose place is
// not, owners those that have links of which nothing is.
func (ps *pairs) keep(old *pairs) (strangers, owners []int64) {
	for id := range ps.places {
		if have := old.places[id]; have != nil {
			ps.places[id] = have
		} else {
			strangers = append(strangers, id)
		}
	}
	for owner, linked := range ps.linked {
		all := true
		for _, id := range linked {
			if was, known := old.near[pair{owner, id}]; known {
				ps.near[pair{owner, id}] = was
			} else {
				all = false
			}
		}
		if !all {
			owners = append(owners, owner)
		}
	}
	return strangers, owners
}

// readNear reads which were near each other when that was told last.
func (w *Watch) readNear(ctx context.Context, next *pairs, owners []int64) error {
	if len(owners) == 0 {
		return nil
	}
	err := w.store.EventsBetween(ctx, storage.EventFilter{
		DeviceIDs: owners, Types: []string{data.EventProximityEnter, data.EventProximityExit}, From: w.now().Add(-remembered),
	}, 0, func(e *data.Event) error {
		linked, err := strconv.ParseInt(e.Detail, 10, 64)
		if _, ok := next.near[pair{e.DeviceID, linked}]; ok && err == nil {
			next.near[pair{e.DeviceID, linked}] = e.Type == data.EventProximityEnter
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (w *Watch) readDistances(ctx context.Context, next *pairs) error {
	ids := make([]int64, 0, len(next.linked))
	for id := range next.linked {
		ids = append(ids, id)
	}
	for of := range slices.Chunk(ids, chunk) {
		devices, err := w.list(ctx, of)
		if err != nil {
			return err
		}
		w.mu.Lock()
		for i := range devices {
			m := w.rules.number(&devices[i], proximityDistance)
			if m <= 0 {
				m = defaultNearM
			}
			next.nearM[devices[i].ID] = m
		}
		w.mu.Unlock()
	}
	return nil
}

// at takes a place of a device.
func (ps *pairs) at(p *data.Position, add func(data.Event)) {
	at := ps.places[p.DeviceID]
	if at == nil || !p.Valid || p.Outdated || p.FixTime.Before(at.time) {
		return
	}
	first, was := !at.known, at.moving
	at.lat, at.lon, at.accuracy, at.time, at.position, at.known = p.Latitude, p.Longitude, p.AccuracyM, p.FixTime, p.ID, true
	at.moving, _ = p.Attributes.Get("motion").Bool()
	late := p.ServerTime.Sub(p.FixTime) > apart
	switch {
	case !at.moving || late:
		at.alone = nil
	case !was && !first && len(ps.linked[p.DeviceID]) > 0:
		at.alone = &departure{p.Latitude, p.Longitude, p.DeviceTime, p.ID, p.ServerTime.Add(company)}
	}
	for _, id := range ps.linked[p.DeviceID] {
		ps.compare(pair{p.DeviceID, id}, add)
	}
	for _, id := range ps.owners[p.DeviceID] {
		ps.compare(pair{id, p.DeviceID}, add)
	}
}

// compare looks whether two are near each other now.
func (ps *pairs) compare(p pair, add func(data.Event)) {
	a, b := ps.places[p.device], ps.places[p.linked]
	if !a.known || !b.known || a.time.Sub(b.time).Abs() > apart {
		return
	}
	nearM := ps.nearM[p.device]
	d := geo.Distance(a.lat, a.lon, b.lat, b.lon)
	if s := a.alone; s != nil && (d <= nearM*leaveFactor || geo.Distance(s.lat, s.lon, b.lat, b.lon) <= nearM*leaveFactor) {
		a.alone = nil
	}
	near := ps.near[p]
	switch {
	case !near && d <= nearM:
	case near && d > nearM*leaveFactor+a.accuracy+b.accuracy:
	default:
		return
	}
	ps.near[p] = !near
	e := event(p.device, data.EventProximityEnter, a.time)
	if near {
		e.Type = data.EventProximityExit
	}
	if b.time.After(a.time) {
		e.Time = b.time.UTC()
	}
	e.PositionID, e.Detail = a.position, strconv.FormatInt(p.linked, 10)
	e.Attributes.SetFloat("distance", math.Round(d))
	e.Attributes.SetInt("linkedDeviceId", p.linked)
	add(e)
}

// tick tells of devices that have moved alone for long enough.
func (ps *pairs) tick(now time.Time, add func(data.Event)) {
	for id := range ps.linked {
		s := ps.places[id].alone
		if s == nil || now.Before(s.until) {
			continue
		}
		ps.places[id].alone = nil
		e := event(id, data.EventUnaccompaniedMotion, s.time)
		e.PositionID = s.position
		add(e)
	}
}
