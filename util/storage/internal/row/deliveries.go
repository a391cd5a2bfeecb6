package row

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	maxDeliverySubject = 1 << 10
	maxDeliveryText    = 8 << 10
	maxDeliveryDetails = 64 << 10
)

// TooManyWait is the error of a delivery that finds data.MaxWaitingDeliveries
// before it.
var TooManyWait = fmt.Sprintf("%d others wait for this person and channel already", data.MaxWaitingDeliveries)

// Delivery cuts the texts of a delivery to what is kept and tells whether it
// can be stored.
func Delivery(d *data.Delivery) error {
	if err := checkKey("key of a delivery", d.Key); err != nil {
		return err
	}
	if err := checkTexts("delivery", d.EventType, d.Channel, d.Target, d.Severity, string(d.State)); err != nil {
		return err
	}
	d.Subject, d.Text, d.Error = Clean(d.Subject, maxDeliverySubject), Clean(d.Text, maxDeliveryText), DeliveryError(d.Error)
	if len(d.Details) == 0 {
		d.Details = []byte("{}")
	}
	if len(d.Details) > maxDeliveryDetails {
		return fmt.Errorf("the details of a delivery have %d bytes, %d are allowed: %w", len(d.Details), maxDeliveryDetails, data.ErrInvalid)
	}
	return checkTexts("delivery", string(d.Details))
}

// DeliveryError is the error of a delivery as it is kept.
func DeliveryError(s string) string { return Clean(s, maxDeliverySubject) }

// DeliveryStates writes states as texts.
func DeliveryStates(states []data.DeliveryState) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return out
}

// Nearest is the one of two times in milliseconds, either of which may be
// missing, that is nearer to t; zero if there is none.
func Nearest(t time.Time, before, after *int64) time.Time {
	switch {
	case before == nil && after == nil:
		return time.Time{}
	case before == nil:
		return Time(*after)
	case after == nil || Millis(t)-*before <= *after-Millis(t):
		return Time(*before)
	}
	return Time(*after)
}
