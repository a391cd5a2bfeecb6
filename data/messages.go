package data

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Shards is the number of subjects the devices are spread over.
const Shards = 64

// Shard tells which shard a device belongs to, 0 to Shards-1. The multiplier
// is 2^64 divided by the golden ratio (Knuth, TAOCP vol. 3, 6.4): neighbouring
// ids land far apart.
func Shard(deviceID int64) int {
	return int(uint64(deviceID) * 0x9E3779B97F4A7C15 >> 58)
}

// The subjects of the bus.
const (
	// SubjectPositions carries decoded positions from trackers to processing:
	// durable, one message per batch and shard, package data/wire.
	SubjectPositions = "waymark.positions"
	// SubjectLive carries stored positions to whoever is watching: not durable,
	// one message per stored batch and shard, package data/wire.
	SubjectLive = "waymark.live"
	// SubjectEvents carries events that were stored, and those that were over: not
	// durable, one EventBatch.
	SubjectEvents = "waymark.events"
	// SubjectSeen says which devices spoke without leaving a position: not durable,
	// one DevicesSeen.
	SubjectSeen = "waymark.seen"
	// SubjectDevices says that a device was added, changed or removed: not
	// durable, one DeviceChange.
	SubjectDevices = "waymark.devices"
	// SubjectUsers says that an account, its links or its sessions changed: not
	// durable, one UserChange.
	SubjectUsers = "waymark.users"
	// SubjectAccess says that what people may see has changed: not durable, one
	// AccessChange.
	SubjectAccess = "waymark.access"
	// SubjectObjects says that an object of DocumentKinds was changed or removed:
	// not durable, one ObjectChange.
	SubjectObjects = "waymark.objects"
	// SubjectCommands says that a command was queued, or what has become of it:
	// not durable, one CommandChange. Who may send it looks into the store.
	SubjectCommands = "waymark.commands.changes"
	// SubjectCommandTypes asks a tracker for the commands of a protocol: a request
	// with its name, the answer is their types joined by commas.
	SubjectCommandTypes = "waymark.command.types"
	// SubjectHolders says that a device has connected to a tracker: not durable,
	// one DeviceHolder.
	SubjectHolders = "waymark.commands.holders"
	// SubjectDownlink is both, CommandChange and DeviceHolder, in the order in
	// which they came: a command must not overtake the news of where its device is.
	SubjectDownlink = "waymark.commands.*"
	// SubjectLogs carries what devices and trackers say to each other while
	// somebody watches: not durable, one LogBatch. SubjectLogInterest says that
	// somebody does, one LogInterest.
	SubjectLogs        = "waymark.logs"
	SubjectLogInterest = "waymark.logs.interest"
	// SubjectNotices carries events to the open pages of one user: not durable,
	// one Notice.
	SubjectNotices = "waymark.notices"
	// SubjectBotName asks the Telegram bot for its user name: a request without
	// a body, the answer is the name without @, empty while it is not known.
	SubjectBotName = "waymark.bot.name"
)

// PositionsSubject is the subject of a shard's decoded positions.
func PositionsSubject(shard int) string { return SubjectPositions + "." + strconv.Itoa(shard) }

// LiveSubject is the subject of a shard's stored positions.
func LiveSubject(shard int) string { return SubjectLive + "." + strconv.Itoa(shard) }

// messageVersion is written into every JSON message; a reader refuses versions
// that it does not know.
const messageVersion = 1

// DeviceChange says that a device was added, changed or removed.
type DeviceChange struct {
	ID       int64  `json:"id"`
	UniqueID string `json:"uniqueId"`
	// OldUniqueID is the identity before the change, if it changed.
	OldUniqueID string `json:"oldUniqueId,omitempty"`
	Removed     bool   `json:"removed,omitempty"`
}

// UserChange says that an account, its links or its sessions changed.
type UserChange struct {
	ID int64 `json:"id"`
	// SignedOut says that open connections of the account must end.
	SignedOut bool `json:"signedOut,omitempty"`
}

// AccessChange says that what people may see has changed: links, or what is in
// a group.
type AccessChange struct {
	// UserIDs are those whose links changed; GroupIDs and DeviceIDs are what
	// changed for everybody who sees it.
	UserIDs   []int64 `json:"userIds,omitempty"`
	GroupIDs  []int64 `json:"groupIds,omitempty"`
	DeviceIDs []int64 `json:"deviceIds,omitempty"`
	// All: for everybody.
	All bool `json:"all,omitempty"`
}

// ObjectChange says that an object was changed or removed.
type ObjectChange struct {
	Kind ObjectKind `json:"kind"`
	ID   int64      `json:"id"`
}

// EventBatch is events that were stored.
type EventBatch struct {
	Events []Event `json:"events"`
}

// DevicesSeen says when devices spoke last, by id: milliseconds since 1970 UTC.
type DevicesSeen struct {
	Devices map[int64]int64 `json:"devices"`
}

type envelope[T any] struct {
	V    int `json:"v"`
	Body T   `json:"body"`
}

// message is what goes over the bus as JSON.
type message interface {
	DeviceChange | UserChange | AccessChange | ObjectChange | CommandChange | DeviceHolder | LogBatch | LogInterest |
		EventBatch | DevicesSeen |
		Notice
}

// EncodeMessage writes a message for the bus.
func EncodeMessage[T message](m T) []byte {
	b, err := json.Marshal(envelope[T]{messageVersion, m})
	if err != nil {
		panic(err) // plain structs of numbers, texts and times always marshal
	}
	return b
}

// DecodeMessage reads what EncodeMessage wrote.
func DecodeMessage[T message](b []byte) (T, error) {
	var e envelope[T]
	if err := json.Unmarshal(b, &e); err != nil {
		return e.Body, fmt.Errorf("read message: %w", err)
	}
	if e.V != messageVersion {
		return e.Body, fmt.Errorf("read message: version %d, this program knows %d: %w", e.V, messageVersion, ErrInvalid)
	}
	return e.Body, nil
}
