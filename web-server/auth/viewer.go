package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Viewer is who is asking, and what they may see. It is a snapshot: ask again
// for the next request.
type Viewer struct {
	User data.User
	// devices are the linked devices, sorted; unused for administrators.
	devices []int64
}

// LinkStore is what a Viewer is made from.
type LinkStore interface {
	LinkedDeviceIDs(ctx context.Context, userID int64) ([]int64, error)
}

// NewViewer says what a user may see.
func NewViewer(ctx context.Context, links LinkStore, u data.User) (Viewer, error) {
	v := Viewer{User: u}
	if v.AllDevices() {
		return v, nil
	}
	ids, err := links.LinkedDeviceIDs(ctx, u.ID)
	if err != nil {
		return Viewer{}, fmt.Errorf("read links of user %d: %w", u.ID, err)
	}
	slices.Sort(ids)
	v.devices = ids
	return v, nil
}

// Administrator tells whether the viewer runs this server.
func (v *Viewer) Administrator() bool { return v.User.Administrator }

// AllDevices tells whether the viewer sees every device, whatever the links say.
func (v *Viewer) AllDevices() bool { return v.User.Administrator }

// CanSee tells whether the viewer may see, edit and remove a device. For
// administrators it is true for devices that do not exist, too.
func (v *Viewer) CanSee(deviceID int64) bool {
	if v.AllDevices() {
		return true
	}
	_, ok := slices.BinarySearch(v.devices, deviceID)
	return ok
}

// DeviceIDs are the devices the viewer sees, sorted; nil stands for all of
// them, as in the filters of the store. The caller must not change it.
func (v *Viewer) DeviceIDs() []int64 {
	if v.AllDevices() {
		return nil
	}
	if v.devices == nil {
		return []int64{}
	}
	return v.devices
}

// CanSeeUser tells whether the viewer may see and edit an account.
func (v *Viewer) CanSeeUser(userID int64) bool {
	return v.User.Administrator || (userID == v.User.ID && userID != 0)
}
