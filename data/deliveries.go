package data

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// DeliveryState is how far telling somebody something has come.
type DeliveryState string

// The states of a delivery: queued -> sending -> sent is the way of one that
// arrives; one that does not goes back to queued and is tried again later.
const (
	DeliveryQueued  DeliveryState = "queued"
	DeliverySending DeliveryState = "sending"
	// DeliverySent was taken by whoever brings it to the person.
	DeliverySent DeliveryState = "sent"
	// DeliveryFailed will not be tried again; Error says why.
	DeliveryFailed DeliveryState = "failed"
	// DeliveryCancelled is no longer needed: somebody has acknowledged the event
	// before it was sent.
	DeliveryCancelled DeliveryState = "cancelled"
)

// The severities of what people are told.
const (
	SeverityInfo    = "info"
	SeverityWarning = "warning"
	SeverityAlarm   = "alarm"
)

// The ways to tell people something.
const (
	ChannelCommand  = "command"
	ChannelGotify   = "gotify"
	ChannelMail     = "mail"
	ChannelMatrix   = "matrix"
	ChannelMQTT     = "mqtt"
	ChannelNtfy     = "ntfy"
	ChannelTelegram = "telegram"
	ChannelWeb      = "web"
	ChannelWebhook  = "webhook"
)

// MaxWaitingDeliveries bounds what waits for one person and one channel; more
// fails at once.
const MaxWaitingDeliveries = 1000

// Delivery is that one person is told one thing by one channel.
type Delivery struct {
	ID int64
	// Key is the same for the same thing told to the same person by the same
	// channel, and is stored once. Channels that know repeats know them by it.
	Key    string
	UserID int64
	// DeviceID, EventID and NotificationID are what it is about and the rule it
	// comes from; 0 for none.
	DeviceID, EventID, NotificationID int64
	EventType                         string
	// EventTime is when the event happened; zero for no event.
	EventTime time.Time
	// Channel is the way; Target the Telegram account, empty for other channels.
	Channel, Target string
	Severity        string
	// Subject is a line, Text are a few; plain text in the person's language.
	Subject, Text string
	// Details are a JSON object for programs: event, device, position, message.
	Details []byte
	// Escalation is sent only if nobody has acknowledged the event until DueAt.
	Escalation bool

	State    DeliveryState
	Attempts int
	// Error is why the last try failed; no secrets.
	Error string
	// DueAt is when it is to be sent, ExpiresAt when it is not worth it any more,
	// ChangedAt when State changed; UTC.
	CreatedAt, DueAt, ExpiresAt, ChangedAt time.Time
	// AcknowledgedAt is when somebody said that they have seen it, zero for not
	// yet, AcknowledgedBy who; 0 for a user who is gone.
	AcknowledgedAt time.Time
	AcknowledgedBy int64
}

const (
	// firstPause and longestPause bound the pauses between two tries to deliver.
	firstPause   = 5 * time.Second
	longestPause = 30 * time.Minute
)

// Settle writes down what became of a try: sent, or to be tried again after a
// pause that grows with Attempts and is not shorter than pause, or failed for
// good, if the error is final or time is over.
func (d *Delivery) Settle(err error, final bool, pause time.Duration, now time.Time) {
	d.ChangedAt = now
	if err == nil {
		d.State, d.Error = DeliverySent, ""
		return
	}
	wait := min(firstPause<<min(2*max(d.Attempts-1, 0), 20), longestPause)
	wait += time.Duration(rand.Int64N(int64(wait) / 4)) // not all at once
	d.State, d.Error, d.DueAt = DeliveryQueued, err.Error(), now.Add(max(wait, pause))
	switch {
	case final:
		d.State = DeliveryFailed
	case !d.DueAt.Before(d.ExpiresAt):
		d.State, d.Error = DeliveryFailed, fmt.Sprintf("given up after %d tries: %s", d.Attempts, d.Error)
	}
}

// AppendJSON appends the delivery in the form of the API. What it says of the
// target and for programs is left out: it is not for reading.
func (d *Delivery) AppendJSON(b []byte) []byte {
	number := func(name string, v int64) {
		b = append(append(append(b, ",\""...), name...), "\":"...)
		b = strconv.AppendInt(b, v, 10)
	}
	text := func(name, v string) {
		b = append(append(append(b, ",\""...), name...), "\":"...)
		b = AppendJSONString(b, v)
	}
	moment := func(name string, t time.Time) {
		b = append(append(append(b, ",\""...), name...), "\":"...)
		if t.IsZero() {
			b = append(b, "null"...)
			return
		}
		b = AppendJSONTime(b, t)
	}
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, d.ID, 10)
	number("userId", d.UserID)
	number("deviceId", d.DeviceID)
	number("eventId", d.EventID)
	number("notificationId", d.NotificationID)
	text("type", d.EventType)
	moment("eventTime", d.EventTime)
	text("notificator", d.Channel)
	text("severity", d.Severity)
	text("subject", d.Subject)
	text("text", d.Text)
	text("state", string(d.State))
	number("attempts", int64(d.Attempts))
	text("error", d.Error)
	b = append(b, `,"escalation":`...)
	b = strconv.AppendBool(b, d.Escalation)
	moment("createdAt", d.CreatedAt)
	moment("dueAt", d.DueAt)
	moment("changedAt", d.ChangedAt)
	moment("acknowledgedAt", d.AcknowledgedAt)
	number("acknowledgedBy", d.AcknowledgedBy)
	return append(b, '}')
}

// Notice is an event for the open pages of one user: with the text that the
// user is told.
type Notice struct {
	UserID   int64 `json:"userId"`
	DeviceID int64 `json:"deviceId"`
	// Event is the event in the form of the API.
	Event json.RawMessage `json:"event"`
}
