package gpslogger

import (
	"testing"

	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzRead(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }
