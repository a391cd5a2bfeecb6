package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/storage"
)

// ViewStore is what a View reads.
type ViewStore interface {
	Device(ctx context.Context, id int64) (data.Device, error)
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
	PositionBefore(ctx context.Context, deviceID int64, t time.Time) (data.Position, error)
}

// maxWalk is no limit.
const maxWalk = math.MaxInt

// View is the one way in which a share reads: whatever goes out to a guest went
// through it, and has lost here what the share does not show.
type View struct {
	store  ViewStore
	share  *data.Share
	viewer access.Viewer
	// since and until are the times between which things are shown. Without a
	// trail only the last position is, however old.
	since, until time.Time
}

func newView(store ViewStore, sh *data.Share, viewer access.Viewer, now time.Time) *View {
	until := now.Add(-sh.Delay())
	return &View{store: store, share: sh, viewer: viewer, until: until, since: until.Add(-sh.Trail())}
}

// Now is the time at which the guest sees things.
func (v *View) Now() time.Time { return v.until }

// Device returns a shared device, or data.ErrNotFound.
func (v *View) Device(ctx context.Context, id int64) (data.Device, error) {
	found, err := v.ListDevices(ctx, storage.DeviceFilter{IDs: []int64{id}})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("find shared device: %w", data.ErrNotFound)
	}
	if err != nil {
		return data.Device{}, err
	}
	return found[0], nil
}

// ListDevices lists shared devices. What is hidden of a device does not find it.
func (v *View) ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	if f.UniqueIDs != nil || f.GroupIDs != nil {
		return nil, nil
	}
	all, err := v.store.ListDevices(ctx, storage.DeviceFilter{IDs: v.visible(f.IDs)})
	if err != nil {
		return nil, err
	}
	keyword := strings.ToLower(f.Keyword)
	all = slices.DeleteFunc(all, func(d data.Device) bool { return !strings.Contains(strings.ToLower(guestName(&d)), keyword) })
	all = all[min(f.Offset, len(all)):]
	if f.Limit > 0 {
		all = all[:min(f.Limit, len(all))]
	}
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	last, err := v.LatestPositions(ctx, ids)
	if err != nil {
		return nil, err
	}
	shown := make(map[int64]*data.Position, len(last))
	for i := range last {
		shown[last[i].DeviceID] = &last[i]
	}
	for i := range all {
		all[i] = v.guestDevice(&all[i], shown[all[i].ID])
	}
	return all, nil
}

// guestDevice is what a guest sees of a device whose last shown position is p,
// nil for none.
func (v *View) guestDevice(d *data.Device, p *data.Position) data.Device {
	out := data.Device{ID: d.ID, Name: guestName(d), Category: d.Category, LastUpdate: d.LastUpdate}
	if p != nil {
		out.PositionID = p.ID
	}
	if v.share.DelayMinutes > 0 { // when it last spoke is news, too
		out.LastUpdate = time.Time{}
		if p != nil {
			out.LastUpdate = earlier(p.ServerTime, v.until)
		}
	}
	return out
}

// minTelling is the length from which an identifier within a name can be told
// from a number that people give their devices.
const minTelling = 6

// guestName is the name of a device for those who must not know its identifier:
// devices that were registered without a name are called by it.
func guestName(d *data.Device) string {
	name, id := strings.ToLower(d.Name), strings.ToLower(d.UniqueID)
	if name == id || len(id) >= minTelling && strings.Contains(name, id) {
		return fmt.Sprintf("Device %d", d.ID)
	}
	return d.Name
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

// visible are those of ids that are shared; nil stands for all.
func (v *View) visible(ids []int64) []int64 {
	if ids == nil {
		return v.viewer.DeviceIDs()
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !v.viewer.CanSee(id) })
}

// LatestPositions returns the last position shown of each device that has one.
func (v *View) LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error) {
	found, err := v.store.LatestPositions(ctx, v.visible(deviceIDs))
	if err != nil {
		return nil, err
	}
	out := found[:0]
	for i := range found {
		p := &found[i]
		if err := v.lastShown(ctx, p); errors.Is(err, data.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		if v.show(p) {
			out = append(out, *p)
		}
	}
	return out, nil
}

// maxDoubted is how many doubtful positions in a row are passed over.
const maxDoubted = 100

// lastShown goes back from a position to the last one in the time shown that is
// believed; data.ErrNotFound if there is none.
func (v *View) lastShown(ctx context.Context, p *data.Position) (err error) {
	before := v.until.Add(time.Millisecond)
	for n := 0; p.Time().After(v.until) || !believed(p); n++ {
		if n == maxDoubted {
			return fmt.Errorf("find a position that is believed: %w", data.ErrNotFound)
		}
		if !p.Time().After(v.until) {
			before = p.Time()
		}
		if *p, err = v.store.PositionBefore(ctx, p.DeviceID, before); err != nil {
			return err
		}
	}
	return nil
}

// believed tells whether no filter doubts a position. Guests do not see the mark,
// so they do not see the position either.
func believed(p *data.Position) bool { return filter.MarkOf(p.Attributes).Reason == "" }

// PositionsByID returns those that are shown.
func (v *View) PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error) {
	found, err := v.store.PositionsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	last, err := v.LatestPositions(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := found[:0]
	for i := range found {
		p := &found[i]
		isLast := slices.ContainsFunc(last, func(l data.Position) bool { return l.ID == p.ID })
		if (isLast || v.inTrail(p.Time())) && believed(p) && v.show(p) {
			out = append(out, *p)
		}
	}
	return out, nil
}

// PositionsBetween calls each for the positions that are shown of that time.
func (v *View) PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	if !v.viewer.CanSee(deviceID) {
		return fmt.Errorf("read shared positions: %w", data.ErrNotFound)
	}
	if from.Before(v.since) {
		from = v.since
	}
	if to = earlier(to, v.until); v.share.TrailHours == 0 || to.Before(from) || limit <= 0 {
		return nil
	}
	err := v.store.PositionsBetween(ctx, deviceID, from, to, maxWalk, func(p *data.Position) error {
		if !believed(p) || !v.show(p) {
			return nil
		}
		if err := each(p); err != nil {
			return err
		}
		if limit--; limit == 0 {
			return errArrived
		}
		return nil
	})
	if errors.Is(err, errArrived) {
		return nil
	}
	return err
}

func (v *View) inTrail(t time.Time) bool {
	return v.share.TrailHours > 0 && !t.Before(v.since) && !t.After(v.until)
}

// show takes from a position what the share does not show, and tells whether
// anything is left to be shown.
func (v *View) show(p *data.Position) bool {
	if !v.viewer.CanSee(p.DeviceID) || p.Time().After(v.until) {
		return false
	}
	for i := range v.share.Hidden {
		if inCircle(&v.share.Hidden[i], p) {
			return false
		}
	}
	motion := p.Attributes.Get("motion")
	// The radio surroundings are a place, too, and so is what an odometer counts.
	p.Protocol, p.Network, p.Attributes = "", nil, data.Attributes{}
	if moving, ok := motion.Bool(); ok {
		p.Attributes.SetBool("motion", moving)
	}
	if v.share.BlurM > 0 {
		blur(p, v.share.BlurM)
	}
	return true
}

// blur moves a place to the middle of its square of a grid that is the same for
// all devices and times. Course and height would tell more than the square.
func blur(p *data.Position, side float64) {
	const degreeM = 111_195 // of a meridian
	step := side / degreeM
	p.Latitude = min(max((math.Floor(p.Latitude/step)+0.5)*step, -90), 90)
	wide := min(step/max(math.Cos(p.Latitude*math.Pi/180), 0.01), 360)
	p.Longitude = math.Remainder((math.Floor(p.Longitude/wide)+0.5)*wide, 360)
	p.AltitudeM, p.CourseDeg = 0, 0
	p.AccuracyM = max(p.AccuracyM, side)
}
