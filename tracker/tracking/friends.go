package tracking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
)

// Friends knows who may see whom.
type Friends interface {
	// Friends returns the devices, with their newest positions, that a device may
	// know about: those that a user sees who sees the device itself.
	Friends(ctx context.Context, deviceID int64) ([]protocol.Friend, error)
}

// FriendStore is what friends are found in; storage.Store is one.
type FriendStore interface {
	access.WatcherStore
	User(ctx context.Context, id int64) (data.User, error)
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
}

// LastPositions knows newest positions.
type LastPositions interface {
	Get(ctx context.Context, deviceID int64) (p data.Position, ok bool, err error)
}

// maxFriends bounds the friends of one device.
const maxFriends = 100

// NewFriends finds friends in a store. Nothing is remembered: who may no longer
// see a device is not told of it from then on.
func NewFriends(store FriendStore, last LastPositions, now func() time.Time) Friends {
	return &friends{store, last, now}
}

type friends struct {
	store FriendStore
	last  LastPositions
	now   func() time.Time
}

// Friends implements Friends.
func (f *friends) Friends(ctx context.Context, deviceID int64) ([]protocol.Friend, error) {
	users, err := f.users(ctx, deviceID)
	if err != nil || len(users) == 0 {
		return nil, err
	}
	ids, err := f.seen(ctx, users)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool { return id == deviceID })
	if len(ids) == 0 {
		return nil, nil
	}
	devices, err := f.store.ListDevices(ctx, storage.DeviceFilter{IDs: ids})
	if err != nil {
		return nil, fmt.Errorf("list friends: %w", err)
	}
	var out []protocol.Friend
	for _, d := range devices {
		if len(out) == maxFriends {
			break
		}
		if !d.Accepts(f.now()) {
			continue
		}
		p, ok, err := f.last.Get(ctx, d.ID)
		if err != nil {
			return nil, fmt.Errorf("find a friend's position: %w", err)
		}
		if ok {
			out = append(out, protocol.Friend{Name: d.Name, UniqueID: d.UniqueID, Settings: decoderSettings(d), Position: p})
		}
	}
	return out, nil
}

// users returns the active users that see a device.
func (f *friends) users(ctx context.Context, deviceID int64) ([]int64, error) {
	watchers, err := access.Watchers(ctx, f.store, deviceID)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	var out []int64
	for _, id := range watchers {
		user, err := f.store.User(ctx, id)
		if errors.Is(err, data.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up a user of a device: %w", err)
		}
		if user.Active(f.now()) {
			out = append(out, id)
		}
	}
	return out, nil
}

// seen returns the devices that users see by their links: one who administrates
// the server is no friend of every device for that.
func (f *friends) seen(ctx context.Context, users []int64) ([]int64, error) {
	var ids []int64
	for _, id := range users {
		v, err := access.NewViewer(ctx, f.store, data.User{ID: id})
		if err != nil {
			return nil, fmt.Errorf("list the devices of a user: %w", err)
		}
		ids = append(ids, v.DeviceIDs()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
