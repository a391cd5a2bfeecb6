//go:build !linux

package bench

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

func forget(string) error {
	return fmt.Errorf("reading from a cold disk can be measured on Linux only: %w", data.ErrUnavailable)
}
