package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Shared says what a guest sees to whom an owner shows devices, or those in a
// group and in the groups within it: what the owner sees of them himself, and
// nothing besides. The guest may change nothing.
func (s *Service) Shared(ctx context.Context, owner, guest data.User, deviceIDs []int64, groupID int64) (Viewer, error) {
	of, err := s.Viewer(ctx, owner)
	if err != nil {
		return Viewer{}, err
	}
	ids := slices.Clone(deviceIDs)
	if groupID != 0 && of.Sees(data.GroupKind, groupID) {
		inside, err := s.InGroup(ctx, &of, groupID)
		if err != nil {
			return Viewer{}, err
		}
		ids = append(ids, inside...)
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool { return !of.CanSee(id) })
	guest.Administrator, guest.Temporary = false, true
	account := newSet([]int64{guest.ID})
	return Viewer{User: guest, server: of.server, grants: &grants{
		devices: newSet(ids), others: map[data.ObjectKind]*set{data.UserKind: &account},
	}}, nil
}

// InGroup are the devices in a group and in the groups within it that a viewer
// sees, in no order.
func (s *Service) InGroup(ctx context.Context, v *Viewer, groupID int64) ([]int64, error) {
	groups, err := withSubgroups(ctx, s.store, []int64{groupID})
	if err != nil {
		return nil, err
	}
	ids, err := s.store.GroupedDeviceIDs(ctx, groups)
	if err != nil {
		return nil, fmt.Errorf("read devices of groups: %w", err)
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return !v.CanSee(id) }), nil
}
