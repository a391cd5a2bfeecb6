package bus

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestLogs(t *testing.T) {
	b := embedded(t)
	logs := make(chan data.LogBatch, 1)
	interests := make(chan data.LogInterest, 1)
	for _, sub := range []func() (func(), error){
		func() (func(), error) { return b.SubscribeLogs(func(l data.LogBatch) { logs <- l }) },
		func() (func(), error) { return b.SubscribeLogInterest(func(i data.LogInterest) { interests <- i }) },
	} {
		unsubscribe, err := sub()
		if err != nil {
			t.Fatal(err)
		}
		defer unsubscribe()
	}
	batch := data.LogBatch{Lines: []data.LogLine{
		{Time: time.Unix(1, 0).UTC(), DeviceID: 1, UniqueID: "a", Host: "h", Protocol: "gt06", Sent: true, Data: []byte{0, 255}, Summary: "s"},
		{Time: time.Unix(2, 0).UTC(), Host: "h", Data: []byte("x")},
	}}
	interest := data.LogInterest{Watcher: "w", DeviceIDs: []int64{1, 2}}
	if err := errors.Join(b.PublishLogs(batch), b.PublishLogInterest(interest)); err != nil {
		t.Fatal(err)
	}
	ctx := deadline(t)
	select {
	case have := <-logs:
		if !reflect.DeepEqual(have, batch) {
			t.Errorf("have %+v", have)
		}
	case <-ctx.Done():
		t.Fatal("no lines")
	}
	select {
	case have := <-interests:
		if !reflect.DeepEqual(have, interest) {
			t.Errorf("have %+v", have)
		}
	case <-ctx.Done():
		t.Fatal("no interest")
	}
}
