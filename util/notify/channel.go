package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Channel is one way to tell people something.
type Channel interface {
	Name() string
	// Missing says what an account must set up before it can be told this way;
	// empty if it can.
	Missing(u *data.User) string
	// Send hands a delivery over. After an error it is sent again later, unless
	// the error is final; the same delivery may come twice after a crash. Errors
	// hold no secrets: people read them.
	Send(ctx context.Context, u *data.User, d *data.Delivery) error
}

// errFinal marks errors after which sending again would be of no use.
var errFinal = errors.New("not sent")

func final(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFinal, fmt.Sprintf(format, args...))
}

// laterError says when to try again at the earliest.
type laterError struct {
	after time.Duration
	text  string
}

func (e *laterError) Error() string { return e.text }

// id is the name of a delivery for those outside: the same whenever it is sent,
// and of no other delivery, of another installation either.
func id(d *data.Delivery) string { return fmt.Sprintf("%s.%x", d.Key, d.CreatedAt.UnixMilli()) }
