package data

import "time"

// Share lets whoever holds its token see devices for a while, without an
// account. What it shows is never more than what its owner sees at the time.
type Share struct {
	ID int64
	// UserID is the owner; the share goes with the account.
	UserID int64
	Name   string
	// Token is what the link holds. It is kept as it is, so that the owner can
	// copy the link again: who reads the database reads the positions anyway.
	Token string
	// TokenHash is the SHA-256 of Token; shares are found by it.
	TokenHash [32]byte
	CreatedAt time.Time
	// ExpiresAt is when it ends, UTC; zero for never.
	ExpiresAt time.Time
	// ArrivedAt is when the device came to the place where the share ends; zero
	// while it has not.
	ArrivedAt time.Time
	// Opened counts how often the link was opened, at most once a minute;
	// OpenedAt is the last time.
	Opened   int64
	OpenedAt time.Time
	ShareView
}

// ShareView is what a share shows.
type ShareView struct {
	// DeviceIDs are the devices, or GroupID the group whose devices they are.
	DeviceIDs []int64 `json:"deviceIds,omitempty"`
	GroupID   int64   `json:"groupId,omitempty"`
	// Arrival is a place where the share ends when the device gets there; nil for
	// none.
	Arrival *Circle `json:"arrival,omitempty"`
	// TrailHours is how far back the history goes; 0 shows the last position only.
	TrailHours int64 `json:"trailHours,omitempty"`
	// DelayMinutes is how old everything is that is shown.
	DelayMinutes int64 `json:"delayMinutes,omitempty"`
	// BlurM is the side in metres of the squares that places are moved to the
	// middle of; 0 for exact.
	BlurM float64 `json:"blur,omitempty"`
	// Hidden are places within which devices are not shown.
	Hidden []Circle `json:"hidden,omitempty"`
}

// Circle is a place with a radius in metres.
type Circle struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	RadiusM   float64 `json:"radius"`
}

// Active tells whether the share shows anything at now.
func (s *Share) Active(now time.Time) bool {
	return s.ArrivedAt.IsZero() && (s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt))
}

// Trail is how far back the history goes.
func (v *ShareView) Trail() time.Duration { return time.Duration(v.TrailHours) * time.Hour }

// Delay is how old everything is that is shown.
func (v *ShareView) Delay() time.Duration { return time.Duration(v.DelayMinutes) * time.Minute }
