package data

import (
	"maps"
	"time"
)

// Device is a tracker, a phone, anything that reports positions.
type Device struct {
	ID int64
	// Name is what people call it.
	Name string
	// UniqueID is what the device calls itself (Packet.Identity); unique.
	UniqueID string
	// GroupID is 0 for none.
	GroupID int64
	// CalendarID is when the device is in use; 0 for always.
	CalendarID int64
	Phone      string
	Model      string
	Contact    string
	// Category is a kind of icon: "car", "person", ... ; may be empty.
	Category string
	// Disabled devices are refused.
	Disabled bool
	// ExpiresAt is when the device is refused from, UTC; zero for never.
	ExpiresAt time.Time
	// LastUpdate is when it last spoke, UTC; zero for never.
	LastUpdate time.Time
	// DisconnectedAt is when its last connection was closed, UTC; zero if that is
	// not known of any.
	DisconnectedAt time.Time
	// SilentAfter is how long it may be silent and still counts as online; 0 for
	// the usual time.
	SilentAfter time.Duration
	// PositionID is the newest position; 0 for none.
	PositionID int64
	// Attributes are free, and settings of its decoder ("decoder.model", ...).
	Attributes map[string]any
}

// The states of a device.
const (
	// StatusOnline: it has spoken lately.
	StatusOnline = "online"
	// StatusOffline: its connection was closed, and it has not spoken since.
	StatusOffline = "offline"
	// StatusUnknown: it is silent, and nobody knows why; or it has never spoken.
	StatusUnknown = "unknown"
)

// SilentAfter is how long a device may be silent and still counts as online, if
// nobody says anything else.
const SilentAfter = 10 * time.Minute

// Status tells how the device is at now.
func (d *Device) Status(now time.Time) string {
	switch {
	case d.LastUpdate.IsZero():
		return StatusUnknown
	case !d.DisconnectedAt.Before(d.LastUpdate):
		return StatusOffline
	case now.Before(d.Silent()):
		return StatusOnline
	}
	return StatusUnknown
}

// Silent is from when nobody knows how the device is, unless it speaks before.
func (d *Device) Silent() time.Time {
	if d.SilentAfter > 0 {
		return d.LastUpdate.Add(d.SilentAfter)
	}
	return d.LastUpdate.Add(SilentAfter)
}

// secretAttributes are attributes of devices that hold a secret: who knows it can
// speak as the device, read what it sends, or command it.
var secretAttributes = [...]string{"ingest.token", "devicePassword", "decoder.password", "decoder.secret"}

// HasSecrets tells whether the attributes hold something that is for those alone
// who may change the device.
func (d *Device) HasSecrets() bool {
	for _, key := range secretAttributes {
		if _, ok := d.Attributes[key]; ok {
			return true
		}
	}
	return false
}

// WithoutSecrets is d for all others.
func (d *Device) WithoutSecrets() *Device {
	if !d.HasSecrets() {
		return d
	}
	out := *d
	out.Attributes = maps.Clone(d.Attributes)
	for _, key := range secretAttributes {
		delete(out.Attributes, key)
	}
	return &out
}

// Disconnection is that a connection of a device was closed.
type Disconnection struct {
	// Spoke is when the device spoke over it for the last time, At when it was
	// closed.
	Spoke, At time.Time
}

// Accepts tells whether the device may report at now.
func (d *Device) Accepts(now time.Time) bool {
	return !d.Disabled && (d.ExpiresAt.IsZero() || now.Before(d.ExpiresAt))
}

// User is a person who signs in.
type User struct {
	ID   int64
	Name string
	// Email is how the person signs in; kept in lower case, unique.
	Email string
	// PasswordHash is argon2id in PHC form; never leaves the server.
	PasswordHash  string
	Administrator bool
	Disabled      bool
	// Login is another name to sign in with; kept in lower case, unique, empty for
	// none.
	Login string
	// Readonly accounts change nothing and command nothing; DeviceReadonly ones
	// do not touch devices; LimitCommands ones send saved commands only.
	Readonly, DeviceReadonly, LimitCommands bool
	// DeviceLimit is how many devices the account may have, NoLimit for any number.
	DeviceLimit int64
	// UserLimit is how many accounts it may make and manage: 0 for none, NoLimit
	// for any number.
	UserLimit int64
	// ExpiresAt is when the account ends, UTC; zero for never.
	ExpiresAt time.Time
	Profile
	// Attributes hold preferences of the clients.
	Attributes map[string]any
}

// NoLimit stands for any number.
const NoLimit = -1

// Profile is what of an account is only kept and shown.
type Profile struct {
	Phone string `json:"phone,omitempty"`
	// DisableReports accounts make no reports; FixedEmail ones keep their e-mail.
	DisableReports bool `json:"disableReports,omitempty"`
	FixedEmail     bool `json:"fixedEmail,omitempty"`
	// Temporary accounts were made to share something for a while.
	Temporary bool `json:"temporary,omitempty"`
	// Map, CoordinateFormat and PoiLayer are clients' settings of the map.
	Map              string `json:"map,omitempty"`
	CoordinateFormat string `json:"coordinateFormat,omitempty"`
	PoiLayer         string `json:"poiLayer,omitempty"`
	// Latitude and Longitude (degrees) and Zoom are where the map begins; 0 for
	// not set.
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
	Zoom      int64   `json:"zoom,omitempty"`
}

// Active tells whether the account may be used at now.
func (u *User) Active(now time.Time) bool {
	return !u.Disabled && (u.ExpiresAt.IsZero() || now.Before(u.ExpiresAt))
}

// Session is a signed-in browser or program.
type Session struct {
	// TokenHash is the SHA-256 of the cookie's value.
	TokenHash [32]byte
	UserID    int64
	// TokenID is the personal token it was opened with, and ends with; 0 for none.
	TokenID   int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TelegramAccount ties a Telegram account to a user.
type TelegramAccount struct {
	// TelegramID is Telegram's number of the person.
	TelegramID int64
	UserID     int64
	// Name is shown to people, it proves nothing.
	Name     string
	LinkedAt time.Time
}

// TelegramCode is a one-time code that ties a Telegram account to a user.
type TelegramCode struct {
	// CodeHash is the SHA-256 of the code.
	CodeHash  [32]byte
	UserID    int64
	ExpiresAt time.Time
}
