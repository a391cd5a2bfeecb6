package data

import (
	"errors"
	"testing"
)

// Every shard gets its share, of devices that were numbered one after the
// other and of those that were not.
func TestShardSpread(t *testing.T) {
	for name, id := range map[string]func(i int64) int64{
		"in a row":     func(i int64) int64 { return i + 1 },
		"every second": func(i int64) int64 { return 2 * i },
		"every 64th":   func(i int64) int64 { return 64 * i },
		"every 1000th": func(i int64) int64 { return 1000 * i },
		"negative":     func(i int64) int64 { return -i },
	} {
		const devices = 64_000
		var count [Shards]int
		for i := range int64(devices) {
			shard := Shard(id(i))
			if shard < 0 || shard >= Shards {
				t.Fatalf("%s: shard %d", name, shard)
			}
			count[shard]++
		}
		for shard, n := range count {
			if mean := devices / Shards; n < mean*9/10 || n > mean*11/10 {
				t.Errorf("%s: shard %d has %d devices, the mean is %d", name, shard, n, mean)
			}
		}
	}
	// A device must stay where it is across releases.
	for id, want := range map[int64]int{0: 0, 1: 39, 2: 15, 1000: 2} {
		if have := Shard(id); have != want {
			t.Errorf("device %d in shard %d, want %d", id, have, want)
		}
	}
}

func TestSubjects(t *testing.T) {
	if have := PositionsSubject(63); have != "waymark.positions.63" {
		t.Error(have)
	}
	if have := LiveSubject(0); have != "waymark.live.0" {
		t.Error(have)
	}
}

func TestMessages(t *testing.T) {
	change := DeviceChange{ID: 3, UniqueID: "a", OldUniqueID: "b"}
	b := EncodeMessage(change)
	if want := `{"v":1,"body":{"id":3,"uniqueId":"a","oldUniqueId":"b"}}`; string(b) != want {
		t.Errorf("have %s, want %s", b, want)
	}
	if have, err := DecodeMessage[DeviceChange](b); err != nil || have != change {
		t.Errorf("have %+v, %v", have, err)
	}
	user := UserChange{ID: 9, SignedOut: true}
	if have, err := DecodeMessage[UserChange](EncodeMessage(user)); err != nil || have != user {
		t.Errorf("have %+v, %v", have, err)
	}
	if _, err := DecodeMessage[UserChange]([]byte(`{"v":2,"body":{}}`)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a later version: %v", err)
	}
	if _, err := DecodeMessage[UserChange]([]byte(`{`)); err == nil {
		t.Error("half a message is no message")
	}
}
