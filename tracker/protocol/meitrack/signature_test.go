package meitrack

import (
	"testing"

	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestSignature(t *testing.T) { protocoltest.Signature(t, Protocol()) }
