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
	Movement
	Events
	UnknownDevices
	Users
	Sessions
	Credentials
	Objects
	Links
	Settings
	Telegram
	Commands
	Audit
	Shares
	Deliveries
	Reports
	Statistics

	// Ping asks whether the database answers.
	Ping(ctx context.Context) error
	// Close ends the work. Calls after it fail.
	Close() error
}

// DeviceFilter chooses devices; the fields set must all hold.
type DeviceFilter struct {
	// IDs, UniqueIDs and GroupIDs (the group it is in itself): only these. A nil
	// slice does not choose, an empty one chooses nothing.
	IDs       []int64
	UniqueIDs []string
	GroupIDs  []int64
	// Keyword: name or unique id contains it, in any case.
	Keyword string
	// Limit and Offset page through the result; Limit 0 is no limit.
	Limit, Offset int
}

// Devices keeps devices.
type Devices interface {
	// CreateDevice stores d and sets d.ID. The unique id exists: ErrConflict.
	CreateDevice(ctx context.Context, d *data.Device) error
	// UpdateDevice stores what people edit: not LastUpdate,
	// DisconnectedAt, SilentAfter and PositionID.
	UpdateDevice(ctx context.Context, d *data.Device) error
	// DeleteDevice removes a device with its positions, what they meant, its
	// events, media and links.
	DeleteDevice(ctx context.Context, id int64) error
	Device(ctx context.Context, id int64) (data.Device, error)
	DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error)
	// ListDevices returns devices by name, then id.
	ListDevices(ctx context.Context, f DeviceFilter) ([]data.Device, error)
	// GroupedDeviceIDs returns the ids of the devices that are in one of the
	// groups themselves, by id.
	GroupedDeviceIDs(ctx context.Context, groupIDs []int64) ([]int64, error)
	// PutMedia stores a file of a device in place of the one of that name; the
	// device does not exist: ErrNotFound.
	PutMedia(ctx context.Context, m *data.Media) error
	Media(ctx context.Context, deviceID int64, name string) (data.Media, error)
	// TrimMedia removes the oldest of the files that a device has sent, those with
	// the time in front of their names, until there are at most so many files with
	// at most so many bytes.
	TrimMedia(ctx context.Context, deviceID int64, files int, bytes int64) error
	// TouchDevices moves LastUpdate forward, never back, for many devices at once.
	TouchDevices(ctx context.Context, seen map[int64]time.Time) error
	// DisconnectDevices moves DisconnectedAt forward, except for devices that have
	// spoken again (LastUpdate is later than Spoke): they are connected otherwise.
	DisconnectDevices(ctx context.Context, closed map[int64]data.Disconnection) error
	// SetSilentAfter stores Device.SilentAfter, whole seconds, for many devices.
	SetSilentAfter(ctx context.Context, after map[int64]time.Duration) error
}

// Positions keeps what devices reported. The history of a device is ordered by
// data.Position.Time, then ID.
type Positions interface {
	// InsertPositions stores a batch in one transaction, which is on disk when it
	// returns. A position is the same as a stored one when DeviceID, Time and
	// fingerprint agree (fingerprints[i] belongs to positions[i]; take it before
	// filling in outdated reports; Time does not change by that); such positions
	// are left out. IDs are set in place, 0 for those left out. Positions of
	// devices that do not exist are left out too. The device's PositionID becomes
	// its newest position, LastUpdate the newest ServerTime, of those left out as
	// well: the device has spoken. fold, if not nil, works out what the new ones
	// mean; without it that is left to whoever rebuilds the device's trips.
	InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold Fold) error
	// PositionsByID returns those that exist, by id.
	PositionsByID(ctx context.Context, ids []int64) ([]data.Position, error)
	// LatestPositions returns the newest position of each device that has one
	// (Device.PositionID), by device id. Nil asks for all devices.
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	// PositionsBetween calls each for the positions of a device with
	// from <= Time <= to, in order, at most limit of them. No connection to the
	// database is held while each works. An error of each ends the walk and is
	// returned. Points that cannot be read (ErrCorrupt) do not hide the others:
	// the walk goes on and ends with an error that names them.
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
	// PositionBefore returns the newest position of a device with Time < t, or
	// ErrNotFound.
	PositionBefore(ctx context.Context, deviceID int64, t time.Time) (data.Position, error)
	// DeletePositions removes the positions of a device with from <= Time <= to;
	// PositionID becomes the newest of the rest, or 0.
	DeletePositions(ctx context.Context, deviceID int64, from, to time.Time) error
	// Maintain compacts and thins history until ctx ends. Every process that
	// stores positions runs it; of several one does the work at a time.
	Maintain(ctx context.Context) error
}

// MaxUnknownDevices bounds the list of strangers with a protocol; the ones
// longest unseen go first.
const MaxUnknownDevices = 200

// MaxUnrecognised bounds those of them that nobody understands, so that whoever
// scans the ports does not push out devices.
const MaxUnrecognised = 50

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
	// CreateUser stores u and sets u.ID. The e-mail or the login exists: ErrConflict.
	CreateUser(ctx context.Context, u *data.User) error
	// CreateFirstUser is CreateUser if there is no user at all, else ErrConflict;
	// of two at the same time one wins.
	CreateFirstUser(ctx context.Context, u *data.User) error
	UpdateUser(ctx context.Context, u *data.User) error
	// DeleteUser removes a user with its sessions and links.
	DeleteUser(ctx context.Context, id int64) error
	User(ctx context.Context, id int64) (data.User, error)
	// UserByEmail ignores case. Where no e-mail matches, a login may.
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

// MaxTickets bounds the tickets of one purpose; the ones that end first go.
const MaxTickets = 1000

// Credentials keeps the other ways to prove who one is. They all go with their
// user.
type Credentials interface {
	// CreateToken stores t and sets t.ID.
	CreateToken(ctx context.Context, t *data.Token) error
	// Token and TokenByHash return tokens that have not expired at now, else
	// ErrNotFound.
	Token(ctx context.Context, id int64, now time.Time) (data.Token, error)
	TokenByHash(ctx context.Context, hash [32]byte, now time.Time) (data.Token, error)
	// ListTokens returns the tokens of a user, expired ones too, by id.
	ListTokens(ctx context.Context, userID int64) ([]data.Token, error)
	// TouchToken moves LastUsedAt forward, never back.
	TouchToken(ctx context.Context, id int64, at time.Time) error
	// DeleteToken removes a token of a user and the sessions that were opened
	// with it; another user's, or none: ErrNotFound.
	DeleteToken(ctx context.Context, userID, id int64) error

	// SetTOTP stores a second factor in place of the one there was, with the
	// SHA-256 of its recovery codes.
	SetTOTP(ctx context.Context, t data.TOTP, recovery [][32]byte) error
	TOTP(ctx context.Context, userID int64) (data.TOTP, error)
	// UseTOTPStep takes a time step, once, and no earlier one afterwards, else
	// ErrConflict.
	UseTOTPStep(ctx context.Context, userID, step int64) error
	// SetRecoveryCodes replaces the recovery codes; no second factor: ErrNotFound.
	SetRecoveryCodes(ctx context.Context, userID int64, recovery [][32]byte) error
	// UseRecoveryCode takes a recovery code, once, else ErrNotFound.
	UseRecoveryCode(ctx context.Context, userID int64, hash [32]byte) error
	// DeleteTOTP removes a second factor and its recovery codes; none is no error.
	DeleteTOTP(ctx context.Context, userID int64) error

	// CreatePasskey stores p and sets p.ID. The credential exists: ErrConflict.
	CreatePasskey(ctx context.Context, p *data.Passkey) error
	// ListPasskeys returns the passkeys of a user by id.
	ListPasskeys(ctx context.Context, userID int64) ([]data.Passkey, error)
	PasskeyByCredential(ctx context.Context, credentialID []byte) (data.Passkey, error)
	// UsePasskey stores the record and the time of a use.
	UsePasskey(ctx context.Context, id int64, record []byte, at time.Time) error
	// DeletePasskey removes a passkey of a user; another user's: ErrNotFound.
	DeletePasskey(ctx context.Context, userID, id int64) error

	// CreateTicket stores a ticket. Above MaxTickets the ones of the same purpose
	// that end first go.
	CreateTicket(ctx context.Context, t data.Ticket) error
	// UseTicket takes a ticket that has not expired at now, once, else ErrNotFound.
	UseTicket(ctx context.Context, purpose string, hash [32]byte, now time.Time) (data.Ticket, error)
	// DeleteUserTickets removes a user's tickets of a purpose.
	DeleteUserTickets(ctx context.Context, userID int64, purpose string) error
	// DeleteExpiredTickets tidies up.
	DeleteExpiredTickets(ctx context.Context, now time.Time) error

	// LinkIdentity ties a person of an OpenID provider to a user, in place of the
	// user it was tied to.
	LinkIdentity(ctx context.Context, issuer, subject string, userID int64) error
	// UserByIdentity returns the user such a person is tied to.
	UserByIdentity(ctx context.Context, issuer, subject string) (data.User, error)
}

// Settings keeps the server's settings.
type Settings interface {
	// Server returns the settings; the zero value while there are none.
	Server(ctx context.Context) (data.Server, error)
	UpdateServer(ctx context.Context, s *data.Server) error
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

// CommandFilter chooses commands; the fields set must all hold.
type CommandFilter struct {
	// DeviceIDs: only of these; nil for all devices, empty for none.
	DeviceIDs []int64
	// States: only in these; empty for all.
	States []data.CommandState
	// Newest: the last ones first.
	Newest bool
	// Limit and Offset page through the result; Limit 0 is no limit.
	Limit, Offset int
}

// Commands keeps what devices are asked to do and what became of it. A command
// goes when its device does.
type Commands interface {
	// QueueCommand stores c as queued, with its first step, and sets c.ID. The
	// device does not exist: ErrNotFound; data.MaxQueuedCommands wait for it
	// already: ErrConflict.
	QueueCommand(ctx context.Context, c *data.QueuedCommand) error
	// ChangeCommand writes the next step of a command and returns it, if it is in
	// one of the states from and may take the step (data.QueuedCommand.Apply),
	// else ErrConflict. Of several at the same time one does.
	ChangeCommand(ctx context.Context, id int64, from []data.CommandState, step data.CommandStep) (data.QueuedCommand, error)
	// ExpireCommands ends the open commands whose time is over, some hundreds at
	// most, and returns them.
	ExpireCommands(ctx context.Context, now time.Time) ([]data.QueuedCommand, error)
	Command(ctx context.Context, id int64) (data.QueuedCommand, error)
	// ListCommands returns commands in the order they were queued.
	ListCommands(ctx context.Context, f CommandFilter) ([]data.QueuedCommand, error)
	// CommandSteps returns what happened to a command, in order.
	CommandSteps(ctx context.Context, id int64) ([]data.CommandStep, error)
	// OpenCommandDevices returns the devices with open commands, by id.
	OpenCommandDevices(ctx context.Context) ([]int64, error)
}

// AuditFilter chooses audit entries; the fields set must all hold.
type AuditFilter struct {
	// From <= Time <= To; zero times do not choose.
	From, To   time.Time
	UserID     int64
	ObjectType string
	ObjectID   int64
	// Limit bounds the result; 0 is no limit.
	Limit int
}

// Audit keeps who did what. Entries are never changed.
type Audit interface {
	// RecordAudit stores e and sets e.ID.
	RecordAudit(ctx context.Context, e *data.AuditEntry) error
	// ListAudit returns entries, the last ones first.
	ListAudit(ctx context.Context, f AuditFilter) ([]data.AuditEntry, error)
}

// Shares keeps links that show devices to whoever has them. A share goes when
// its owner does.
type Shares interface {
	// CreateShare stores sh and sets sh.ID. The owner does not exist: ErrNotFound.
	CreateShare(ctx context.Context, sh *data.Share) error
	// UpdateShare stores Name, ExpiresAt, ArrivedAt and what it shows.
	UpdateShare(ctx context.Context, sh *data.Share) error
	DeleteShare(ctx context.Context, id int64) error
	Share(ctx context.Context, id int64) (data.Share, error)
	ShareByToken(ctx context.Context, tokenHash [32]byte) (data.Share, error)
	// ListShares returns the shares of a user, 0 for all users, by id.
	ListShares(ctx context.Context, userID int64) ([]data.Share, error)
	// CountShareOpened adds one to Opened and sets OpenedAt, unless that was less
	// than a minute before at.
	CountShareOpened(ctx context.Context, id int64, at time.Time) error
	// EndShare sets ArrivedAt, unless it is set.
	EndShare(ctx context.Context, id int64, at time.Time) error
	// DeleteEndedShares removes the shares that ended before a time, by expiry or
	// by arrival.
	DeleteEndedShares(ctx context.Context, before time.Time) error
}
