package bus

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestCommandsAndHolders(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	here, there := open(t, cfg, ""), open(t, cfg, "")
	commands, holders := make(chan data.CommandChange, 1), make(chan data.DeviceHolder, 1)
	if _, err := there.SubscribeCommands(func(c data.CommandChange) { commands <- c }); err != nil {
		t.Fatal(err)
	}
	if _, err := there.SubscribeDownlink(func(data.CommandChange) {}, func(h data.DeviceHolder) { holders <- h }); err != nil {
		t.Fatal(err)
	}
	stop, err := there.AnswerCommandTypes(func(protocol string) []string {
		if protocol == "gt06" {
			return []string{"custom", "engineStop"}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := there.conn.Flush(); err != nil { // until the server knows of all of it
		t.Fatal(err)
	}
	if types, err := here.CommandTypes("gt06"); err != nil || !slices.Equal(types, []string{"custom", "engineStop"}) {
		t.Errorf("types %v, %v", types, err)
	}
	if types, err := here.CommandTypes("nonesuch"); err != nil || types != nil {
		t.Errorf("types %v, %v", types, err)
	}
	change := data.CommandChange{ID: 1, DeviceID: 2, Type: "custom", State: data.CommandSent, Text: "x", CreatedAt: time.Unix(5, 0).UTC(), Time: time.Unix(6, 0).UTC()}
	holder := data.DeviceHolder{DeviceID: 2, Tracker: "one"}
	if err := errors.Join(here.PublishCommand(change), here.PublishHolder(holder)); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	select {
	case got := <-commands:
		if got != change {
			t.Errorf("got %+v", got)
		}
	case <-deadline:
		t.Fatal("the change of the command does not come")
	}
	select {
	case got := <-holders:
		if got != holder {
			t.Errorf("got %+v", got)
		}
	case <-deadline:
		t.Fatal("the holder does not come")
	}
	stop()
	if _, err := here.CommandTypes("gt06"); !errors.Is(err, data.ErrUnavailable) {
		t.Errorf("without a tracker: %v", err)
	}
}

// TestDownlinkKeepsOrder has a command follow a device from connection to
// connection: were the news of the device a subscription of its own, a command
// could overtake it.
func TestDownlinkKeepsOrder(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL = external(t, true)
	api, tracker, listener := open(t, cfg, ""), open(t, cfg, ""), open(t, cfg, "")
	const rounds = 200
	heard := make(chan int64, 2*rounds)
	_, err := listener.SubscribeDownlink(
		func(c data.CommandChange) { heard <- c.ID },
		func(h data.DeviceHolder) {
			runtime.Gosched() // slower than a command
			heard <- h.DeviceID
		})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(rounds) {
		// The two have connections of their own, as in the field.
		if err := tracker.PublishHolder(data.DeviceHolder{DeviceID: 2 * i, Tracker: "one"}); err != nil {
			t.Fatal(err)
		}
		if err := api.PublishCommand(data.CommandChange{ID: 2*i + 1, State: data.CommandQueued}); err != nil {
			t.Fatal(err)
		}
		if err := api.conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.After(patience)
	for want := range int64(2 * rounds) {
		select {
		case got := <-heard:
			if got != want {
				t.Fatalf("message %d was heard when it was the turn of %d", got, want)
			}
		case <-deadline:
			t.Fatalf("message %d does not come", want)
		}
	}
}
