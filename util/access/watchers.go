package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// WatcherStore is what Watchers asks; storage.Store is one.
type WatcherStore interface {
	Store
	Device(ctx context.Context, id int64) (data.Device, error)
	ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error)
}

// Watchers returns the accounts that see a device by a link, of their own or to
// a group that it is in, ascending. Administrators, who see everything, are
// among them only by a link. A device that does not exist is data.ErrNotFound.
func Watchers(ctx context.Context, store WatcherStore, deviceID int64) ([]int64, error) {
	d, err := store.Device(ctx, deviceID)
	if err != nil {
		return nil, fmt.Errorf("find device: %w", err)
	}
	links, err := store.ListLinks(ctx, storage.LinkFilter{Owner: data.UserKind, Property: data.DeviceKind, PropertyIDs: []int64{deviceID}})
	if err != nil {
		return nil, fmt.Errorf("list users of device: %w", err)
	}
	if d.GroupID != 0 {
		around, err := groupsAround(ctx, store, d.GroupID)
		if err != nil {
			return nil, err
		}
		more, err := store.ListLinks(ctx, storage.LinkFilter{Owner: data.UserKind, Property: data.GroupKind, PropertyIDs: around})
		if err != nil {
			return nil, fmt.Errorf("list users of groups: %w", err)
		}
		links = append(links, more...)
	}
	users := make([]int64, len(links))
	for i := range links {
		users[i] = links[i].OwnerID
	}
	slices.Sort(users)
	return slices.Compact(users), nil
}

// groupsAround are a group and those it lies in. Circles end where they began.
func groupsAround(ctx context.Context, store Store, id int64) ([]int64, error) {
	all, err := store.Documents(ctx, storage.ObjectFilter{Kind: data.GroupKind})
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	parent := make(map[int64]int64, len(all))
	for i := range all {
		parent[all[i].ID] = all[i].GroupID
	}
	var around []int64
	for ; id != 0 && !slices.Contains(around, id); id = parent[id] {
		around = append(around, id)
	}
	return around, nil
}
