package fleet

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/computed"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/geo/wkt"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/storage"
)

// shared is what settings of all devices are made from.
type shared struct {
	log          *slog.Logger
	server       map[string]any
	groups       map[int64]data.Group
	ofGroups     linked
	ofDevices    linked
	geofences    map[int64]data.Geofence
	fences       *geofence.Index
	maintenances map[int64]data.Maintenance
	drivers      map[int64]data.Driver
	attributes   map[int64]data.ComputedAttribute
	calendars    map[int64]*calendar.Calendar
	compiler     computed.Compiler
	sets         map[string]*geofence.Set
}

// linked are the ids of what belongs to owners, by owner and kind.
type linked map[int64]map[data.ObjectKind][]int64

// loadShared reads all that is shared.
func loadShared(ctx context.Context, store Store, log *slog.Logger) (*shared, error) {
	server, err := store.Server(ctx)
	if err != nil {
		return nil, err
	}
	sh := &shared{log: log, server: server.Attributes, sets: map[string]*geofence.Set{}}
	objects := asObjects{store}
	var errs [7]error
	sh.groups, errs[0] = all(ctx, objects, func(o *data.Group) int64 { return o.ID })
	sh.geofences, errs[1] = all(ctx, objects, func(o *data.Geofence) int64 { return o.ID })
	sh.maintenances, errs[2] = all(ctx, objects, func(o *data.Maintenance) int64 { return o.ID })
	sh.drivers, errs[3] = all(ctx, objects, func(o *data.Driver) int64 { return o.ID })
	sh.attributes, errs[4] = all(ctx, objects, func(o *data.ComputedAttribute) int64 { return o.ID })
	sh.ofGroups, errs[5] = links(ctx, store, data.GroupKind)
	sh.ofDevices, errs[6] = links(ctx, store, data.DeviceKind)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if err := sh.readCalendars(ctx, objects); err != nil {
		return nil, err
	}
	sh.index()
	return sh, nil
}

// asObjects is a Store as far as storage.ListObjects needs it.
type asObjects struct{ Store }

func (asObjects) CreateObject(context.Context, data.Object) error { return data.ErrDenied }
func (asObjects) UpdateObject(context.Context, data.Object) error { return data.ErrDenied }
func (asObjects) DeleteObject(context.Context, data.ObjectKind, int64) error {
	return data.ErrDenied
}

func all[T any, P interface {
	*T
	data.Object
}](ctx context.Context, store storage.Objects, id func(P) int64) (map[int64]T, error) {
	found, err := storage.ListObjects[T, P](ctx, store, storage.ObjectFilter{})
	if err != nil {
		return nil, err
	}
	m := make(map[int64]T, len(found))
	for i := range found {
		m[id(&found[i])] = found[i]
	}
	return m, nil
}

func links(ctx context.Context, store Store, owner data.ObjectKind) (linked, error) {
	found, err := store.ListLinks(ctx, storage.LinkFilter{Owner: owner})
	if err != nil {
		return nil, err
	}
	m := make(linked)
	for _, l := range found {
		switch l.Property {
		case data.GeofenceKind, data.MaintenanceKind, data.DriverKind, data.AttributeKind, data.LinkedDeviceKind:
		default:
			continue
		}
		of := m[l.OwnerID]
		if of == nil {
			of = make(map[data.ObjectKind][]int64)
			m[l.OwnerID] = of
		}
		of[l.Property] = append(of[l.Property], l.PropertyID)
	}
	return m, nil
}

// readCalendars reads those that can be read.
func (sh *shared) readCalendars(ctx context.Context, objects storage.Objects) error {
	found, err := storage.ListObjects[data.Calendar](ctx, objects, storage.ObjectFilter{})
	if err != nil {
		return err
	}
	sh.calendars = make(map[int64]*calendar.Calendar, len(found))
	for i := range found {
		c, err := calendar.Parse(found[i].Data)
		if err != nil {
			sh.log.Warn("a calendar cannot be read: what has it applies always", "calendar", found[i].ID, "err", err)
			continue
		}
		sh.calendars[found[i].ID] = c
	}
	return nil
}

// index makes the index of all geofences that can be read.
func (sh *shared) index() {
	fences := make([]geofence.Fence, 0, len(sh.geofences))
	for _, g := range sh.geofences {
		area, err := wkt.Parse(g.Area)
		if err != nil {
			sh.log.Warn("a geofence cannot be read and is never entered", "geofence", g.ID, "err", err)
			continue
		}
		f := geofence.Fence{ID: g.ID, Area: area}
		f.WidthM, _ = events.Number(g.Attributes["polylineDistance"])
		if f.WidthM <= 0 {
			f.WidthM = defaultWidthM
		}
		f.FloorM, f.CeilingM = altitude(g.Attributes["floor"]), altitude(g.Attributes["ceiling"])
		if s, ok := events.Number(g.Attributes["dwellS"]); ok {
			f.Dwell = time.Duration(s * float64(time.Second))
		}
		fences = append(fences, f)
	}
	var err error
	if sh.fences, err = geofence.New(fences); err != nil {
		sh.log.Warn("geofences that make no sense are left out", "err", err)
	}
}

// defaultWidthM is how far a corridor reaches if its geofence does not say so.
const defaultWidthM = 25

// of makes the settings of a device.
func (sh *shared) of(d data.Device) *Settings {
	s := &Settings{Device: d, Fences: sh.fences, Calendar: sh.calendars[d.CalendarID]}
	groups := sh.around(d.GroupID)
	s.Attributes = append(s.Attributes, sh.server)
	for i := len(groups) - 1; i >= 0; i-- {
		s.Attributes = append(s.Attributes, sh.groups[groups[i]].Attributes)
	}
	s.Attributes = append(s.Attributes, d.Attributes)

	own := func(kind data.ObjectKind) []int64 {
		ids := slices.Clone(sh.ofDevices[d.ID][kind])
		for _, g := range groups {
			ids = append(ids, sh.ofGroups[g][kind]...)
		}
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	fences := own(data.GeofenceKind)
	s.Geofences = pick(fences, sh.geofences)
	s.Maintenances = pick(own(data.MaintenanceKind), sh.maintenances)
	s.Drivers = pick(own(data.DriverKind), sh.drivers)
	s.ComputedAttributes = pick(own(data.AttributeKind), sh.attributes)
	s.LinkedDevices = own(data.LinkedDeviceKind)
	s.FenceSet = sh.set(fences)
	s.AddressM = addressM(s.Attributes)

	s.Movement = movement.Resolve(s.Attributes...)
	s.Events = events.Resolve(s.Attributes, s.Geofences, s.Maintenances)
	s.Computed = sh.compiler.Set(s.ComputedAttributes)
	for i := range s.Geofences {
		g := &s.Geofences[i]
		if c := sh.calendars[g.CalendarID]; c != nil {
			if s.Hours == nil {
				s.Hours = map[int64]*calendar.Calendar{}
			}
			s.Hours[g.ID] = c
		}
	}
	s.Deadlines = deadlines(s)
	return s
}

// awaited tells whether a device may have deadlines.
func (sh *shared) awaited(d *data.Device) bool {
	groups := sh.around(d.GroupID)
	says := func(attributes map[string]any) bool { text, _ := attributes[DeadlineKey].(string); return text != "" }
	all := says(sh.server) || says(d.Attributes)
	for _, g := range groups {
		all = all || says(sh.groups[g].Attributes)
	}
	one := func(fences []int64) bool {
		return all && len(fences) > 0 || slices.ContainsFunc(fences, func(id int64) bool { return says(sh.geofences[id].Attributes) })
	}
	return one(sh.ofDevices[d.ID][data.GeofenceKind]) ||
		slices.ContainsFunc(groups, func(g int64) bool { return one(sh.ofGroups[g][data.GeofenceKind]) })
}

// around are a group and those that it lies in, from the innermost. A circle
// ends where it began.
func (sh *shared) around(group int64) (ids []int64) {
	for group != 0 && !slices.Contains(ids, group) {
		g, ok := sh.groups[group]
		if !ok {
			break
		}
		ids = append(ids, group)
		group = g.GroupID
	}
	return ids
}

func pick[T any](ids []int64, from map[int64]T) (picked []T) {
	for _, id := range ids {
		if o, ok := from[id]; ok {
			picked = append(picked, o)
		}
	}
	return picked
}

// set is the choice of fences, which devices with the same ones share.
func (sh *shared) set(ids []int64) *geofence.Set {
	key := make([]byte, 0, 8*len(ids))
	for _, id := range ids {
		key = append(key, byte(id), byte(id>>8), byte(id>>16), byte(id>>24), byte(id>>32), byte(id>>40), byte(id>>48), byte(id>>56))
	}
	set := sh.sets[string(key)]
	if set == nil {
		set = sh.fences.Set(ids)
		sh.sets[string(key)] = set
	}
	return set
}
