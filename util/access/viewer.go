package access

import (
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Viewer is who is asking, and what they may see and do. It is a snapshot: ask
// again for the next request. The zero Viewer sees nothing.
type Viewer struct {
	User data.User
	// server holds the restrictions of everybody but administrators.
	server data.Server
	// grants are nil for administrators.
	grants *grants
}

// Administrator tells whether the viewer runs this server.
func (v *Viewer) Administrator() bool { return v.User.Administrator }

// Manager tells whether the viewer may make accounts and manage them.
func (v *Viewer) Manager() bool { return v.User.Administrator || v.User.UserLimit != 0 }

// AllDevices tells whether the viewer sees every device, whatever the links say.
func (v *Viewer) AllDevices() bool { return v.User.Administrator }

// CanSee tells whether the viewer may see a device. For administrators it is
// true for devices that do not exist, too.
func (v *Viewer) CanSee(deviceID int64) bool {
	return v.AllDevices() || (v.grants != nil && v.grants.devices.has(deviceID))
}

// DeviceIDs are the devices the viewer sees, sorted; nil stands for all of
// them, as in the filters of the store. The caller must not change it.
func (v *Viewer) DeviceIDs() []int64 { return v.IDs(data.DeviceKind) }

// CanSeeUser tells whether the viewer may see an account.
func (v *Viewer) CanSeeUser(userID int64) bool { return v.Sees(data.UserKind, userID) }

// Sees tells whether the viewer may see a thing. For administrators it is true
// for things that do not exist, too.
func (v *Viewer) Sees(kind data.ObjectKind, id int64) bool {
	if v.User.Administrator {
		return true
	}
	s := v.set(kind)
	return s != nil && s.has(id)
}

// Owns tells whether a thing that the viewer sees is there by more than a
// device, so that the viewer may change it.
func (v *Viewer) Owns(kind data.ObjectKind, id int64) bool {
	if v.User.Administrator {
		return true
	}
	if s := v.set(kind); s == nil || !s.has(id) {
		return false
	}
	byDevice := v.grants.byDevice[kind.Base()]
	return !byDevice.has(id)
}

// IDs are the things of a kind that the viewer sees, sorted; nil stands for all
// of them. The caller must not change it.
func (v *Viewer) IDs(kind data.ObjectKind) []int64 {
	if v.User.Administrator {
		return nil
	}
	if s := v.set(kind); s != nil && s.ids != nil {
		return s.ids
	}
	return []int64{}
}

func (v *Viewer) set(kind data.ObjectKind) *set {
	if v.grants == nil {
		return nil
	}
	if kind.Base() == data.DeviceKind {
		return &v.grants.devices
	}
	return v.grants.others[kind.Base()]
}

// Managed are the accounts that the viewer manages by a link, sorted.
func (v *Viewer) Managed() []int64 {
	if v.grants == nil {
		return nil
	}
	return v.grants.managed
}

// LinkedDevices is how many devices are linked to the account itself.
func (v *Viewer) LinkedDevices() int {
	if v.grants == nil {
		return 0
	}
	return v.grants.linkedDevices
}

// Readonly viewers change nothing. Accounts made to share something are among
// them.
func (v *Viewer) Readonly() bool {
	return !v.User.Administrator && (v.User.Readonly || v.User.Temporary || v.server.Readonly)
}

// DeviceReadonly viewers do not change devices.
func (v *Viewer) DeviceReadonly() bool {
	return v.Readonly() || (!v.User.Administrator && (v.User.DeviceReadonly || v.server.DeviceReadonly))
}

// LimitCommands viewers send saved commands only.
func (v *Viewer) LimitCommands() bool {
	return !v.User.Administrator && (v.User.LimitCommands || v.server.LimitCommands)
}

// DisableReports viewers make no reports.
func (v *Viewer) DisableReports() bool {
	return !v.User.Administrator && (v.User.DisableReports || v.server.DisableReports)
}

// FixedEmail viewers keep their e-mail.
func (v *Viewer) FixedEmail() bool {
	return !v.User.Administrator && (v.User.FixedEmail || v.server.FixedEmail)
}

// MayEdit refuses viewers who change nothing of a kind.
func (v *Viewer) MayEdit(kind data.ObjectKind) error {
	switch {
	case v.Readonly():
		return fmt.Errorf("%w: your account may look at things, not change them", data.ErrDenied)
	case kind.Base() == data.DeviceKind && v.DeviceReadonly():
		return fmt.Errorf("%w: your account may not change devices", data.ErrDenied)
	case kind == data.CommandKind && v.LimitCommands():
		return fmt.Errorf("%w: your account may send saved commands, not change them", data.ErrDenied)
	}
	return nil
}

// Affected tells whether a change concerns what the viewer sees.
func (v *Viewer) Affected(c data.AccessChange) bool {
	if c.All || slices.Contains(c.UserIDs, v.User.ID) {
		return true
	}
	if v.grants == nil {
		return false
	}
	groups := v.grants.others[data.GroupKind]
	return (groups != nil && groups.hasAny(c.GroupIDs)) || v.grants.devices.hasAny(c.DeviceIDs)
}
