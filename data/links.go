package data

// ObjectKind names a kind of thing that can own others or belong to others.
type ObjectKind string

// The kinds. A link names them in the words of the API: a key like "deviceId"
// is the kind and "Id".
const (
	UserKind         ObjectKind = "user"
	DeviceKind       ObjectKind = "device"
	GroupKind        ObjectKind = "group"
	GeofenceKind     ObjectKind = "geofence"
	NotificationKind ObjectKind = "notification"
	CalendarKind     ObjectKind = "calendar"
	AttributeKind    ObjectKind = "attribute"
	DriverKind       ObjectKind = "driver"
	MaintenanceKind  ObjectKind = "maintenance"
	CommandKind      ObjectKind = "command"
	OrderKind        ObjectKind = "order"
	ReportKind       ObjectKind = "report"

	// ManagedUserKind is a user, as the property of the user who manages it.
	ManagedUserKind ObjectKind = "managedUser"
	// LinkedDeviceKind is a device, as the property of another device.
	LinkedDeviceKind ObjectKind = "linkedDevice"
)

// DocumentKinds are the kinds that are documents to the store, see Object.
var DocumentKinds = []ObjectKind{
	GroupKind, GeofenceKind, NotificationKind, CalendarKind, AttributeKind, DriverKind, MaintenanceKind, CommandKind,
	OrderKind, ReportKind,
}

// LinkRules say what may be linked to what: the properties of each owner.
var LinkRules = map[ObjectKind][]ObjectKind{
	UserKind: {
		DeviceKind, GroupKind, GeofenceKind, NotificationKind, CalendarKind, AttributeKind, DriverKind,
		ManagedUserKind, CommandKind, MaintenanceKind, OrderKind, ReportKind,
	},
	DeviceKind: {
		GeofenceKind, NotificationKind, AttributeKind, DriverKind, CommandKind, MaintenanceKind, OrderKind, ReportKind,
		LinkedDeviceKind,
	},
	GroupKind: {
		GeofenceKind, NotificationKind, AttributeKind, DriverKind, CommandKind, MaintenanceKind, OrderKind, ReportKind,
	},
}

// Base is the kind of thing that a property is: a managed user is a user.
func (k ObjectKind) Base() ObjectKind {
	switch k {
	case ManagedUserKind:
		return UserKind
	case LinkedDeviceKind:
		return DeviceKind
	}
	return k
}

// Link says that a property belongs to an owner: a user may see a device, a
// notification applies to a group.
type Link struct {
	Owner      ObjectKind
	OwnerID    int64
	Property   ObjectKind
	PropertyID int64
}

// UserDevice is the link that lets a user see a device.
func UserDevice(userID, deviceID int64) Link {
	return Link{UserKind, userID, DeviceKind, deviceID}
}
