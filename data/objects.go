package data

import "time"

// Device is a tracker, a phone, anything that reports positions.
type Device struct {
	ID int64
	// Name is what people call it.
	Name string
	// UniqueID is what the device calls itself (Packet.Identity); unique.
	UniqueID string
	// GroupID is 0 for none.
	GroupID int64
	Phone   string
	Model   string
	Contact string
	// Category is a kind of icon: "car", "person", ... ; may be empty.
	Category string
	// Disabled devices are refused.
	Disabled bool
	// ExpiresAt is when the device is refused from, UTC; zero for never.
	ExpiresAt time.Time
	// LastUpdate is when it last spoke, UTC; zero for never.
	LastUpdate time.Time
	// PositionID is the newest position; 0 for none.
	PositionID int64
	// Attributes are free, and settings of its decoder ("decoder.model", ...).
	Attributes map[string]any
}

// The states of a device.
const (
	StatusOnline  = "online"
	StatusOffline = "offline"
	StatusUnknown = "unknown"
)

// OfflineAfter is how long a device may be silent and still counts as online.
const OfflineAfter = 10 * time.Minute

// Status tells whether the device is online at now.
func (d *Device) Status(now time.Time) string {
	switch {
	case d.LastUpdate.IsZero():
		return StatusUnknown
	case now.Sub(d.LastUpdate) < OfflineAfter:
		return StatusOnline
	}
	return StatusOffline
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
	// ExpiresAt is when the account ends, UTC; zero for never.
	ExpiresAt time.Time
	// Attributes hold preferences of the clients.
	Attributes map[string]any
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

// Command is something a device is asked to do.
type Command struct {
	// Type is one of the kinds of the field: "custom", "engineStop",
	// "positionPeriodic", ...
	Type string
	// UniqueID is the device's identity, for protocols that write it into
	// every command.
	UniqueID string
	// Attributes are the parameters: "data", "frequency" (seconds), ...
	Attributes Attributes
}
