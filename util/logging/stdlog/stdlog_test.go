package stdlog

import (
	"log"
	"slices"
	"testing"
)

func TestLinesWaitForALogger(t *testing.T) {
	for range 2 * maxHeld {
		log.Print("early")
	}
	var got []string
	Pass(func(line string) { got = append(got, line) })
	if len(got) != maxHeld || got[0] != "early" {
		t.Fatalf("%d lines were held: %.100q", len(got), got)
	}
	log.Printf("late %d", 1)
	if want := []string{"late 1"}; !slices.Equal(got[maxHeld:], want) {
		t.Errorf("passed on %q", got[maxHeld:])
	}
}
