package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/geo"
)

const (
	// sharePrefix begins the token of a share, so that it is not taken for a
	// personal one.
	sharePrefix = "share_"
	// maxWatches bounds the shares whose way to an arrival is remembered; those
	// forgotten are followed from their beginning again.
	maxWatches = 4096
)

// NewShareToken makes a token for a link.
func NewShareToken() string {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	return sharePrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// IsShareToken tells whether a token can be that of a share.
func IsShareToken(token string) bool { return strings.HasPrefix(token, sharePrefix) }

// ShareStore is what shares are read from.
type ShareStore interface {
	ViewStore
	User(ctx context.Context, id int64) (data.User, error)
	ShareByToken(ctx context.Context, tokenHash [32]byte) (data.Share, error)
	EndShare(ctx context.Context, id int64, at time.Time) error
}

// Shares opens links.
type Shares struct {
	store  ShareStore
	access *access.Service
	now    func() time.Time

	mu      sync.Mutex
	watches map[int64]watch
}

// watch is how far a device was followed to where its share ends.
type watch struct {
	until time.Time
	// left says that it was elsewhere: who shares a way home from home has not
	// arrived yet.
	left bool
}

// NewShares makes Shares.
func NewShares(store ShareStore, a *access.Service, now func() time.Time) *Shares {
	return &Shares{store: store, access: a, now: now, watches: make(map[int64]watch)}
}

// Opened is a link that holds: the guest, what the guest sees, and the one way
// to read it.
type Opened struct {
	Share  data.Share
	Viewer access.Viewer
	View   *View
}

// Open finds the share of a token's hash. One that does not exist, has ended, or
// whose owner may not sign in is ErrUnauthenticated.
func (s *Shares) Open(ctx context.Context, tokenHash [32]byte) (*Opened, error) {
	sh, err := s.store.ShareByToken(ctx, tokenHash)
	if err != nil {
		return nil, unauthenticated("find share", err)
	}
	now := s.now().UTC()
	owner, err := s.store.User(ctx, sh.UserID)
	if err != nil {
		return nil, unauthenticated("find owner of share", err)
	}
	if !sh.Active(now) || !owner.Active(now) {
		return nil, ErrUnauthenticated
	}
	viewer, err := s.access.Shared(ctx, owner, guest(&sh), sh.DeviceIDs, sh.GroupID)
	if err != nil {
		return nil, err
	}
	o := &Opened{Share: sh, Viewer: viewer, View: newView(s.store, &sh, viewer, now)}
	if sh.Arrival == nil {
		return o, nil
	}
	arrived, err := s.arrived(ctx, o)
	if err != nil {
		return nil, err
	}
	if arrived {
		return nil, ErrUnauthenticated
	}
	return o, nil
}

// guest is the temporary account of a share. Its id is below 0, where no other
// account is.
func guest(sh *data.Share) data.User {
	name := sh.Name
	if name == "" {
		name = "Shared"
	}
	return data.User{
		ID: -sh.ID, Name: name, Readonly: true, DeviceReadonly: true, LimitCommands: true, ExpiresAt: sh.ExpiresAt,
		Profile: data.Profile{DisableReports: true, FixedEmail: true, Temporary: true},
	}
}

// errArrived ends the walk of arrived.
var errArrived = errors.New("arrived")

// arrived follows the device from where it was followed to before, and ends the
// share if it came to the place. What is not shown yet has not happened yet.
func (s *Shares) arrived(ctx context.Context, o *Opened) (bool, error) {
	sh, until := &o.Share, o.View.until
	s.mu.Lock()
	w, known := s.watches[sh.ID]
	s.mu.Unlock()
	for _, id := range o.Viewer.DeviceIDs() {
		if !known {
			w = watch{until: sh.CreatedAt, left: true}
			before, err := s.store.PositionBefore(ctx, id, sh.CreatedAt)
			if err != nil && !errors.Is(err, data.ErrNotFound) {
				return false, fmt.Errorf("read where the device was: %w", err)
			}
			if err == nil {
				w.left = !inCircle(sh.Arrival, &before)
			}
		}
		var at time.Time
		err := s.store.PositionsBetween(ctx, id, w.until, until, maxWalk, func(p *data.Position) error {
			w.until = p.Time()
			if p.Outdated || p.FixTime.IsZero() {
				return nil
			}
			inside := inCircle(sh.Arrival, p)
			if inside && w.left {
				at = p.Time()
				return errArrived
			}
			w.left = w.left || !inside
			return nil
		})
		if errors.Is(err, errArrived) {
			return true, s.store.EndShare(ctx, sh.ID, at)
		}
		if err != nil {
			return false, fmt.Errorf("follow the device of a share: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watches) >= maxWatches {
		clear(s.watches)
	}
	s.watches[sh.ID] = w
	return false, nil
}

// Forget follows the device of a share anew: the share has changed.
func (s *Shares) Forget(shareID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watches, shareID)
}

func inCircle(c *data.Circle, p *data.Position) bool {
	return geo.Distance(c.Latitude, c.Longitude, p.Latitude, p.Longitude) <= c.RadiusM
}
