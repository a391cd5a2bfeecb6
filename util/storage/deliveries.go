package storage

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// DeliveryFilter chooses deliveries; the fields set must all hold.
type DeliveryFilter struct {
	// UserIDs: only to these. A nil slice does not choose, an empty one chooses
	// nothing.
	UserIDs                           []int64
	NotificationID, EventID, DeviceID int64
	// From <= CreatedAt <= To; zero times do not choose.
	From, To time.Time
	// Before: only those with a smaller id, for the next page; 0 does not choose.
	Before int64
	// Limit bounds the result; 0 is no limit.
	Limit int
}

// Deliveries keeps who is told what, and what has become of it. A delivery goes
// when its user or its device does.
type Deliveries interface {
	// AddDeliveries stores deliveries in one transaction and sets their IDs. One
	// whose Key is stored already, or whose user or device does not exist, is left
	// out, with ID 0. If data.MaxWaitingDeliveries wait for the user and channel,
	// it is stored as failed.
	AddDeliveries(ctx context.Context, deliveries []data.Delivery) error
	// DueDeliveries returns those of the channels that are to be sent at now:
	// queued, or sending, which nobody has ended; the earliest DueAt first.
	DueDeliveries(ctx context.Context, channels []string, now time.Time, limit int) ([]data.Delivery, error)
	// ChangeDelivery stores State, Attempts, Error, DueAt and ChangedAt if the
	// delivery is in one of the states from, else ErrConflict.
	ChangeDelivery(ctx context.Context, d *data.Delivery, from ...data.DeliveryState) error
	Delivery(ctx context.Context, id int64) (data.Delivery, error)
	// ListDeliveries returns deliveries, the last ones first.
	ListDeliveries(ctx context.Context, f DeliveryFilter) ([]data.Delivery, error)
	// AcknowledgeDelivery writes down that a user has seen what a delivery is
	// about: in every delivery of the same event and notification that nobody has
	// acknowledged; those of them that are escalations and still wait are
	// cancelled.
	AcknowledgeDelivery(ctx context.Context, id, userID int64, at time.Time) error
	// LastTold returns the EventTime nearest to t for which a notification was
	// told of a device, without that of one event; zero for never.
	LastTold(ctx context.Context, notificationID, deviceID, exceptEventID int64, t time.Time) (time.Time, error)
	// DeleteDeliveries removes those that were made before a time and wait for
	// nothing.
	DeleteDeliveries(ctx context.Context, before time.Time) error
}
