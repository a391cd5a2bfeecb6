package bot

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/metric"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
	"github.com/waymark-gps/waymark/util/storage"
)

// FuzzUpdate handles whatever Telegram, or somebody in its place, may send. The
// person is linked to an administrator, so that every handler is reached.
func FuzzUpdate(f *testing.F) {
	const from = `"from":{"id":7,"first_name":"A","language_code":"de"}`
	const chat = `"chat":{"id":7,"type":"private"}`
	for _, text := range []string{"/start", "/start K7QM-4D2X-9RTB", "/help", "/link k7qm 4d2x 9rtb", "/unlink", "/devices a", "/where Truck", "trukc", "/x", `\flink|x`, ""} {
		f.Add([]byte(`{"update_id":1,"message":{"message_id":1,"date":1,` + chat + `,` + from + `,"text":"` + text + `"}}`))
	}
	for _, data := range []string{`\flink|K7QM-4D2X-9RTB`, `\funlink|yes`, `\flist|1|a`, `\fdev|1|0|`, `\fpin|1`, `\fwhere|zz`, `\fack|1`, "x"} {
		f.Add([]byte(`{"update_id":2,"callback_query":{"id":"1",` + from + `,"data":"` + data + `","message":{"message_id":1,"date":1,` + chat + `}}}`))
	}
	f.Add([]byte(`{"update_id":3,"callback_query":{"id":"1",` + from + `,"inline_message_id":"x","data":"x"}}`))
	f.Add([]byte(`{"update_id":4,"message":{"message_id":1,"chat":{"id":-7,"type":"supergroup"},` + from + `,"text":"/devices@waymark_test_bot"}}`))
	f.Add([]byte(`{"update_id":5,"my_chat_member":{"chat":{"id":7},"from":null}}`))
	f.Add([]byte(`{"update_id":6,"message":{"new_chat_members":[{}],"location":{},"migrate_to_chat_id":5}}`))

	now := time.Unix(1_800_000_000, 0)
	cfg := DefaultConfig()
	cfg.Token = tgfake.Token
	judge := &judge{}
	b, err := New(cfg, Deps{Store: truckStore{}, Metrics: metric.NewSet(), Log: slog.New(judge), Now: func() time.Time { now = now.Add(time.Hour); return now }})
	if err != nil {
		f.Fatal(err)
	}
	b.api = &client{base: "http://telegram.localhost", http: &http.Client{Transport: judge}} // no limits: no waiting
	router := b.router(context.Background(), teleUser())
	router.Me.Username = tgfake.Username
	f.Fuzz(func(t *testing.T, raw []byte) {
		judge.t = t
		batch, err := b.read([]json.RawMessage{raw})
		if err != nil {
			return
		}
		for _, u := range batch {
			b.handle(router, &u)
		}
	})
}

// judge is Telegram and the log of the fuzz test: it takes every call that keeps
// the rules, and wants no panic of ours.
type judge struct{ t *testing.T }

func (j *judge) RoundTrip(req *http.Request) (*http.Response, error) {
	var p struct {
		Text   *string `json:"text"`
		Markup struct {
			Rows [][]button `json:"inline_keyboard"`
		} `json:"reply_markup"`
	}
	if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
		j.t.Errorf("request: %v", err)
	}
	if p.Text != nil && (len(*p.Text) > 4096 || *p.Text == "" || strings.ContainsAny(*p.Text, "\x00\u202e") || strings.Count(*p.Text, "<")%2 != 0) {
		j.t.Errorf("text %q", *p.Text)
	}
	for _, row := range p.Markup.Rows {
		for _, b := range row {
			if len(b.Data) > 64 || b.Text == "" {
				j.t.Errorf("button %+v", b)
			}
		}
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"ok":true,"result":true}`))}, nil
}

func (j *judge) Enabled(context.Context, slog.Level) bool { return true }
func (j *judge) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *judge) WithGroup(string) slog.Handler            { return j }
func (j *judge) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "panic in a handler" {
		r.Attrs(func(a slog.Attr) bool { j.t.Error(a); return true })
	}
	return nil
}

// truckStore is a store with one device, whatever is asked.
type truckStore struct{}

func (truckStore) ListDevices(_ context.Context, f storage.DeviceFilter) ([]data.Device, error) {
	if f.Keyword != "" && len(f.Keyword) > 3 || f.Offset > 8 {
		return nil, nil
	}
	found := make([]data.Device, 12)
	for i := range found {
		found[i] = data.Device{ID: int64(i + 1), Name: "Truck <" + strings.Repeat("7", i*20), UniqueID: "x"}
	}
	if f.IDs != nil {
		return found[:1], nil
	}
	return found[:min(len(found), f.Limit)], nil
}

func (truckStore) LinkedIDs(context.Context, data.ObjectKind, []int64) (map[data.ObjectKind][]int64, error) {
	return map[data.ObjectKind][]int64{data.DeviceKind: {1, 2, 3}}, nil
}

func (truckStore) GroupedDeviceIDs(context.Context, []int64) ([]int64, error) { return nil, nil }

func (truckStore) Documents(context.Context, storage.ObjectFilter) ([]data.Document, error) {
	return nil, nil
}

func (truckStore) Server(context.Context) (data.Server, error) { return data.Server{}, nil }

func (truckStore) LatestPositions(_ context.Context, ids []int64) ([]data.Position, error) {
	return []data.Position{{DeviceID: ids[0], Latitude: 1, Longitude: 2}}, nil
}

func (truckStore) UseTelegramCode(context.Context, [32]byte, data.TelegramAccount, time.Time) (data.User, error) {
	return data.User{ID: 1, Name: "A"}, nil
}

func (truckStore) UserByTelegramID(context.Context, int64) (data.User, error) {
	return data.User{ID: 1, Administrator: true}, nil
}
func (truckStore) UnlinkTelegram(context.Context, int64) error          { return nil }
func (truckStore) TelegramOffset(context.Context, int64) (int64, error) { return 0, nil }
func (truckStore) SetTelegramOffset(context.Context, int64, int64) error {
	return nil
}

func (truckStore) DueDeliveries(context.Context, []string, time.Time, int) ([]data.Delivery, error) {
	return nil, nil
}

func (truckStore) ChangeDelivery(context.Context, *data.Delivery, ...data.DeliveryState) error {
	return nil
}

func (truckStore) Delivery(_ context.Context, id int64) (data.Delivery, error) {
	return data.Delivery{ID: id, UserID: 1, DeviceID: 1, EventID: 1, Subject: "<b>\x00", Text: "a\n\u202e"}, nil
}
func (truckStore) AcknowledgeDelivery(context.Context, int64, int64, time.Time) error { return nil }
