// Package storage says what Waymark keeps and how it is asked for it. Package
// open picks the back end by URL; sqlite and postgres implement it, each with
// SQL of its own; storagetest is the contract as tests.
//
// Every method may be called by several goroutines at once, honours ctx, and
// returns errors that wrap the kinds of package data: ErrNotFound, ErrConflict,
// ErrInvalid, and ErrUnavailable when the database does not answer. Times are
// UTC and kept to the millisecond; zero times are kept as zero.
package storage

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Store is everything Waymark keeps.
type Store interface {
	Devices
	Positions
	UnknownDevices
	Users
	Sessions
	Links
	Telegram

	// Ping asks whether the database answers.
	Ping(ctx context.Context) error
	// Close ends the work. Calls after it fail.
	Close() error
}

// DeviceFilter chooses devices; the fields set must all hold.
type DeviceFilter struct {
	// UserID: only devices linked to this user; 0 for all devices.
	UserID int64
	// IDs and UniqueIDs: only these. A nil slice does not choose, an empty one
	// chooses nothing.
	IDs       []int64
	UniqueIDs []string
	// Keyword: name or unique id contains it, in any case.
	Keyword string
	// Limit and Offset page through the result; Limit 0 is no limit.
	Limit, Offset int
}

// Devices keeps devices.
type Devices interface {
	// CreateDevice stores d and sets d.ID. The unique id exists: ErrConflict.
	CreateDevice(ctx context.Context, d *data.Device) error
	// UpdateDevice stores what people edit: not LastUpdate and PositionID.
	UpdateDevice(ctx context.Context, d *data.Device) error
	// DeleteDevice removes a device with its positions and links.
	DeleteDevice(ctx context.Context, id int64) error
	Device(ctx context.Context, id int64) (data.Device, error)
	DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error)
	// ListDevices returns devices by name, then id.
	ListDevices(ctx context.Context, f DeviceFilter) ([]data.Device, error)
	// TouchDevices moves LastUpdate forward, never back, for many devices at once.
	TouchDevices(ctx context.Context, seen map[int64]time.Time) error
}

// Positions keeps what devices reported.
type Positions interface {
	// InsertPositions stores a batch in one transaction, which is on disk when it
	// returns. A position is the same as a stored one when DeviceID, DeviceTime
	// and fingerprint agree (fingerprints[i] belongs to positions[i]; take it
	// before filling in outdated reports); such positions are left out. IDs are
	// set in place, 0 for those left out. Positions of devices that do not exist
	// are left out too. The device's PositionID becomes the position with the
	// newest FixTime (among equals the newest DeviceTime), LastUpdate the newest
	// ServerTime, of those left out as well: the device has spoken.
	InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64) error
	// PositionsByID returns those that exist, by id.
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	// LatestPositions returns the newest position of each device that has one
	// (Device.PositionID), by device id. Nil asks for all devices.
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	// PositionsBetween calls each for the positions of a device with
	// from <= FixTime <= to, in the order of FixTime, then ID, at most limit of
	// them. An error of each ends the walk and is returned.
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
	// DeletePositions removes the positions of a device with from <= FixTime <= to,
	// in portions; PositionID becomes the newest of the rest, or 0.
	DeletePositions(ctx context.Context, deviceID int64, from, to time.Time) error
}

// MaxUnknownDevices bounds the list of strangers; the ones longest unseen go first.
const MaxUnknownDevices = 200

// UnknownDevices keeps a short list of strangers.
type UnknownDevices interface {
	// RecordUnknownDevices adds what was seen since the last call: Count is added
	// to the stored one, FirstSeen kept, the rest replaced. Keyed by protocol and
	// unique id.
	RecordUnknownDevices(ctx context.Context, seen []data.UnknownDevice) error
	// ListUnknownDevices returns them, latest seen first.
	ListUnknownDevices(ctx context.Context) ([]data.UnknownDevice, error)
	// ForgetUnknownDevice removes a unique id under every protocol.
	ForgetUnknownDevice(ctx context.Context, uniqueID string) error
}

// Users keeps accounts.
type Users interface {
	// CreateUser stores u and sets u.ID. The e-mail exists: ErrConflict.
	CreateUser(ctx context.Context, u *data.User) error
	// CreateFirstUser is CreateUser if there is no user at all, else ErrConflict;
	// of two at the same time one wins.
	CreateFirstUser(ctx context.Context, u *data.User) error
	UpdateUser(ctx context.Context, u *data.User) error
	// DeleteUser removes a user with its sessions and links.
	DeleteUser(ctx context.Context, id int64) error
	User(ctx context.Context, id int64) (data.User, error)
	// UserByEmail ignores case.
	UserByEmail(ctx context.Context, email string) (data.User, error)
	// ListUsers returns users by name, then id.
	ListUsers(ctx context.Context) ([]data.User, error)
	CountUsers(ctx context.Context) (int, error)
}

// Sessions keeps who is signed in.
type Sessions interface {
	CreateSession(ctx context.Context, s data.Session) error
	// Session returns a session that has not expired at now, else ErrNotFound.
	Session(ctx context.Context, tokenHash [32]byte, now time.Time) (data.Session, error)
	// ExtendSession moves the end of a session; it never brings back one that
	// was deleted: ErrNotFound.
	ExtendSession(ctx context.Context, tokenHash [32]byte, expiresAt time.Time) error
	DeleteSession(ctx context.Context, tokenHash [32]byte) error
	// DeleteUserSessions ends all sessions of a user but the one to keep (the
	// zero hash keeps none).
	DeleteUserSessions(ctx context.Context, userID int64, keep [32]byte) error
	// DeleteExpiredSessions tidies up.
	DeleteExpiredSessions(ctx context.Context, now time.Time) error
}

// Links say who may see which device.
type Links interface {
	// LinkDevice lets a user see a device; doing it twice is no error. Either
	// does not exist: ErrNotFound.
	LinkDevice(ctx context.Context, userID, deviceID int64) error
	UnlinkDevice(ctx context.Context, userID, deviceID int64) error
	// LinkedDeviceIDs returns the devices of a user, by id.
	LinkedDeviceIDs(ctx context.Context, userID int64) ([]int64, error)
}

// Telegram ties Telegram accounts to users and keeps the bot's place.
type Telegram interface {
	// CreateTelegramCode stores a one-time code; earlier codes of the user end.
	CreateTelegramCode(ctx context.Context, c data.TelegramCode) error
	// UseTelegramCode takes a code that has not expired, once, else ErrNotFound,
	// and ties the account to the code's user; a Telegram account has one user at
	// most, the last one. It returns the user.
	UseTelegramCode(ctx context.Context, codeHash [32]byte, a data.TelegramAccount, now time.Time) (data.User, error)
	// UserByTelegramID returns the user a Telegram account is tied to.
	UserByTelegramID(ctx context.Context, telegramID int64) (data.User, error)
	// TelegramAccounts returns the accounts of a user.
	TelegramAccounts(ctx context.Context, userID int64) ([]data.TelegramAccount, error)
	UnlinkTelegram(ctx context.Context, telegramID int64) error
	// TelegramOffset is the next update to ask Telegram for; 0 at first. The bot
	// is named by its own Telegram id.
	TelegramOffset(ctx context.Context, botID int64) (int64, error)
	SetTelegramOffset(ctx context.Context, botID, offset int64) error
}
