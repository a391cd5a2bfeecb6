package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is what permissions are made from.
type Store interface {
	LinkedIDs(ctx context.Context, owner data.ObjectKind, ownerIDs []int64) (map[data.ObjectKind][]int64, error)
	GroupedDeviceIDs(ctx context.Context, groupIDs []int64) ([]int64, error)
	Documents(ctx context.Context, f storage.ObjectFilter) ([]data.Document, error)
	Server(ctx context.Context) (data.Server, error)
}

// grants are what an account sees. They are shared and never changed.
type grants struct {
	devices set
	// others are the groups, accounts and documents, by kind; byDevice are those
	// among them that come by a device alone.
	others   map[data.ObjectKind]*set
	byDevice map[data.ObjectKind]set
	// managed are the accounts besides the own.
	managed []int64
	// linkedDevices counts the devices linked to the account itself.
	linkedDevices int
	// size is how many ids there are in all.
	size int
}

// load asks the store what an account sees.
func load(ctx context.Context, store Store, userID int64) (*grants, error) {
	own, err := store.LinkedIDs(ctx, data.UserKind, []int64{userID})
	if err != nil {
		return nil, fmt.Errorf("read links of user %d: %w", userID, err)
	}
	g := &grants{others: make(map[data.ObjectKind]*set), byDevice: make(map[data.ObjectKind]set), linkedDevices: len(own[data.DeviceKind])}
	devices := own[data.DeviceKind]
	if len(own[data.GroupKind]) > 0 {
		groups, err := withSubgroups(ctx, store, own[data.GroupKind])
		if err != nil {
			return nil, err
		}
		inside, err := store.GroupedDeviceIDs(ctx, groups)
		if err != nil {
			return nil, fmt.Errorf("read devices of groups: %w", err)
		}
		devices = append(slices.Clip(devices), inside...)
		ofGroups, err := store.LinkedIDs(ctx, data.GroupKind, groups)
		if err != nil {
			return nil, fmt.Errorf("read links of groups: %w", err)
		}
		own[data.GroupKind] = groups
		for kind, ids := range ofGroups {
			own[kind] = append(own[kind], ids...)
		}
	}
	g.devices = newSet(devices)
	ofDevices, err := store.LinkedIDs(ctx, data.DeviceKind, g.devices.ids)
	if err != nil {
		return nil, fmt.Errorf("read links of devices: %w", err)
	}
	g.managed = slices.DeleteFunc(own[data.ManagedUserKind], func(id int64) bool { return id == userID })
	accounts := newSet(append([]int64{userID}, g.managed...))
	g.others[data.UserKind] = &accounts
	g.size = len(g.devices.ids) + len(accounts.ids)
	for _, kind := range data.DocumentKinds {
		owned := newSet(own[kind])
		byDevice := slices.DeleteFunc(ofDevices[kind], owned.has)
		if len(owned.ids)+len(byDevice) == 0 {
			continue
		}
		all := newSet(append(slices.Clone(owned.ids), byDevice...))
		g.others[kind], g.byDevice[kind] = &all, newSet(byDevice)
		g.size += len(all.ids)
	}
	return g, nil
}

// withSubgroups adds the groups that lie in groups, however deep. Circles end
// where they began.
func withSubgroups(ctx context.Context, store Store, groups []int64) ([]int64, error) {
	all, err := store.Documents(ctx, storage.ObjectFilter{Kind: data.GroupKind})
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	within := make(map[int64][]int64)
	for i := range all {
		if parent := all[i].GroupID; parent != 0 {
			within[parent] = append(within[parent], all[i].ID)
		}
	}
	seen := make(map[int64]bool)
	var found []int64
	for next := slices.Clone(groups); len(next) > 0; {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		found = append(found, id)
		next = append(next, within[id]...)
	}
	return found, nil
}
