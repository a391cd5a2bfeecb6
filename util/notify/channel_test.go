package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	mqttserver "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/waymark-gps/waymark/data"
)

// receiver is a server of somebody else's.
type receiver struct {
	*httptest.Server
	mu sync.Mutex
	// got are the requests; answers are given in turn, then 200.
	got     []*http.Request
	bodies  []string
	answers []func(http.ResponseWriter)
}

func newReceiver(t testing.TB) *receiver {
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
		if len(r.answers) > 0 {
			r.answers[0](w)
			r.answers = r.answers[1:]
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, "reason\x1b")
	}
}

// toChannel has an event told by one channel to an administrator, who may call
// this machine, and returns the delivery.
func toChannel(e *env, channel string, attributes map[string]any) (*Notifier, data.Delivery) {
	e.Helper()
	u := e.user("anna", attributes)
	u.Administrator = true
	e.ok(e.store.UpdateUser(e.Context(), &u))
	truck := e.device("Truck", u)
	e.rule(data.Notification{Type: data.EventAlarm, Always: true, Notificators: channel}, u)
	e.event(truck, data.EventAlarm, alarmEvent("sos"))
	n := e.notifier()
	e.tell(n)
	list := e.deliveries()
	if len(list) != 1 {
		e.Fatalf("%d deliveries", len(list))
	}
	return n, list[0]
}

func (e *env) delivery(id int64) data.Delivery {
	e.Helper()
	d, err := e.store.Delivery(e.Context(), id)
	e.ok(err)
	return d
}

func TestWebhook(t *testing.T) {
	e, r := newEnv(t), newReceiver(t)
	r.answers = []func(http.ResponseWriter){status(500), status(200)}
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("key"))
	n, d := toChannel(e, "webhook", map[string]any{attrWebhookURL: r.URL + "/hook?a=1", attrWebhookSecret: secret})
	e.sendAll(n)
	if d = e.delivery(d.ID); d.State != data.DeliveryQueued || d.Attempts != 1 || d.Error != "the server answered 500: reason " {
		t.Errorf("after a failure: %s, %d, %q", d.State, d.Attempts, d.Error)
	}
	e.sendAll(n) // not due yet
	e.pass(10 * time.Second)
	e.sendAll(n)
	if d = e.delivery(d.ID); d.State != data.DeliverySent || d.Attempts != 2 || d.Error != "" {
		t.Errorf("after it: %s, %d, %q", d.State, d.Attempts, d.Error)
	}
	if len(r.got) != 2 || r.got[0].Header.Get("webhook-id") != r.got[1].Header.Get("webhook-id") || r.got[0].Header.Get("webhook-id") == "" {
		t.Fatalf("%d requests", len(r.got))
	}
	req, body := r.got[1], r.bodies[1]
	stamp := fmt.Sprint(e.now().Unix())
	if req.Header.Get("webhook-timestamp") != stamp || req.URL.String() != "/hook?a=1" || req.Method != http.MethodPost {
		t.Errorf("request %s %s at %s", req.Method, req.URL, req.Header.Get("webhook-timestamp"))
	}
	want := sign("key", req.Header.Get("webhook-id"), stamp, []byte(body))
	if got := req.Header.Get("webhook-signature"); got != want || !strings.HasPrefix(got, "v1,") {
		t.Errorf("signature %s, want %s", got, want)
	}
	in := jsonOf(t, []byte(body))
	event, _ := in["event"].(map[string]any)
	device, _ := in["device"].(map[string]any)
	if event["type"] != "alarm" || device["name"] != "Truck" || in["severity"] != "alarm" {
		t.Errorf("body %s", body)
	}
}

// The value of the example in the specification of Standard Webhooks.
func TestSignature(t *testing.T) {
	got := sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("have %s, want %s", got, want)
	}
}

func TestPushServices(t *testing.T) {
	for _, test := range []struct {
		channel    string
		attributes func(url string) map[string]any
		method     string
		path       string
		header     [2]string
		body       string
	}{
		{"ntfy", func(url string) map[string]any {
			return map[string]any{attrNtfyURL: url + "/alerts", attrNtfyToken: "tk"}
		}, "POST", "/", [2]string{"Authorization", "Bearer tk"}, `"priority":5,"sequence_id":"ID","title":"Truck: SOS","topic":"alerts"`},
		{"gotify", func(url string) map[string]any {
			return map[string]any{attrGotifyURL: url + "/gotify/", attrGotifyToken: "tk"}
		}, "POST", "/gotify/message", [2]string{"X-Gotify-Key", "tk"}, `"priority":8,"title":"Truck: SOS"`},
		{"matrix", func(url string) map[string]any {
			return map[string]any{attrMatrixURL: url, attrMatrixRoom: "!a/b:example.org", attrMatrixToken: "tk"}
		}, "PUT", "/_matrix/client/v3/rooms/%21a%2Fb:example.org/send/m.room.message/ID", [2]string{"Authorization", "Bearer tk"}, `"msgtype":"m.text"`},
	} {
		t.Run(test.channel, func(t *testing.T) {
			e, r := newEnv(t), newReceiver(t)
			n, d := toChannel(e, test.channel, test.attributes(r.URL))
			e.sendAll(n)
			if d = e.delivery(d.ID); d.State != data.DeliverySent {
				t.Fatalf("%s: %s", d.State, d.Error)
			}
			req := r.got[0]
			name := id(&d)
			if got, want := req.URL.EscapedPath(), strings.ReplaceAll(test.path, "ID", name); got != want || req.Method != test.method {
				t.Errorf("%s %s, want %s", req.Method, got, want)
			}
			if got := req.Header.Get(test.header[0]); got != test.header[1] {
				t.Errorf("%s is %q", test.header[0], got)
			}
			if want := strings.ReplaceAll(test.body, "ID", strings.ReplaceAll(name, ".", "-")); !strings.Contains(r.bodies[0], want) {
				t.Errorf("body %s\nhas not %s", r.bodies[0], want)
			}
		})
	}
}

// What a server answers decides whether it is asked again.
func TestAnswers(t *testing.T) {
	for code, want := range map[int]data.DeliveryState{
		200: data.DeliverySent, 204: data.DeliverySent, 301: data.DeliveryFailed, 400: data.DeliveryFailed, 401: data.DeliveryFailed,
		404: data.DeliveryFailed, 408: data.DeliveryQueued, 429: data.DeliveryQueued, 500: data.DeliveryQueued, 503: data.DeliveryQueued,
	} {
		e, r := newEnv(t), newReceiver(t)
		r.answers = []func(http.ResponseWriter){status(code, "Location", "http://192.0.2.1/", "Retry-After", "600")}
		n, d := toChannel(e, "webhook", map[string]any{attrWebhookURL: r.URL})
		e.sendAll(n)
		d = e.delivery(d.ID)
		if d.State != want {
			t.Errorf("%d: %s, %s", code, d.State, d.Error)
		}
		if wait := d.DueAt.Sub(e.now()); code == 429 && wait < 10*time.Minute || code == 500 && wait > time.Minute {
			t.Errorf("%d: again in %v", code, wait)
		}
	}
}

// It is tried again until it is too late, and then no more.
func TestGivenUp(t *testing.T) {
	e := newEnv(t)
	n, d := toChannel(e, "mail", nil)
	e.mail.fail = errDown
	tries := 0
	for ; d.State == data.DeliveryQueued && tries < 1000; tries++ {
		e.pass(max(d.DueAt.Sub(e.now()), 0))
		e.sendAll(n)
		d = e.delivery(d.ID)
	}
	if d.State != data.DeliveryFailed || !strings.Contains(d.Error, "given up") || tries < 10 || tries > 100 {
		t.Errorf("%s after %d tries: %s", d.State, tries, d.Error)
	}
}

func TestMQTT(t *testing.T) {
	broker := newBroker(t)
	e := newEnv(t)
	n, d := toChannel(e, "mqtt", map[string]any{attrMQTTURL: "mqtt://ada:secret@" + broker.address + "/fleet/alerts"})
	e.sendAll(n)
	if d = e.delivery(d.ID); d.State != data.DeliverySent {
		t.Fatalf("%s: %s", d.State, d.Error)
	}
	got := <-broker.got
	if got.TopicName != "fleet/alerts" || len(got.Properties.User) != 1 || got.Properties.User[0].Val != id(&d) || !strings.Contains(string(got.Payload), `"type":"alarm"`) {
		t.Errorf("published %+v %s", got, got.Payload)
	}
	e = newEnv(t)
	n, d = toChannel(e, "mqtt", map[string]any{attrMQTTURL: "mqtt://ada:wrong@" + broker.address + "/fleet/alerts"})
	e.sendAll(n)
	if d = e.delivery(d.ID); d.State != data.DeliveryFailed || !strings.Contains(d.Error, "refused") || strings.Contains(d.Error, "wrong") {
		t.Errorf("with a wrong password: %s, %s", d.State, d.Error)
	}
}

type mqttBroker struct {
	mqttserver.HookBase
	address string
	got     chan packets.Packet
}

func (*mqttBroker) ID() string { return "test" }

func (b *mqttBroker) Provides(h byte) bool {
	return h == mqttserver.OnPublished || h == mqttserver.OnConnectAuthenticate || h == mqttserver.OnACLCheck
}

func (b *mqttBroker) OnConnectAuthenticate(_ *mqttserver.Client, p packets.Packet) bool {
	return string(p.Connect.Username) == "ada" && string(p.Connect.Password) == "secret"
}

func (b *mqttBroker) OnACLCheck(*mqttserver.Client, string, bool) bool { return true }

func (b *mqttBroker) OnPublished(_ *mqttserver.Client, p packets.Packet) { b.got <- p }

func newBroker(t *testing.T) *mqttBroker {
	t.Helper()
	b := &mqttBroker{got: make(chan packets.Packet, 8)}
	s := mqttserver.New(&mqttserver.Options{Logger: slog.New(slog.DiscardHandler)})
	listener := listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:0"})
	for _, err := range []error{s.AddHook(b, nil), s.AddListener(listener), s.Serve()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.Close() })
	b.address = listener.Address()
	return b
}

// TestPrivateNetworks tries to reach what people must not reach: by address, by
// name, by redirect, and by a name that changes.
func TestPrivateNetworks(t *testing.T) {
	r := newReceiver(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.URL, "http://"))
	anna := &data.User{ID: 1}
	call := func(o *outside, u *data.User, address string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return o.do(u, req)
	}
	o := newOutside(nil)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		if err := call(o, anna, "http://"+host+":"+port); err == nil || (!errors.Is(err, errForbidden) && host != "127.1") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := o.dial(t.Context(), anna, "127.0.0.1:"+port); !errors.Is(err, errForbidden) {
		t.Errorf("not by HTTP: %v", err)
	}
	if len(r.got) != 0 {
		t.Fatalf("%d requests got through", len(r.got))
	}
	if err := call(o, &data.User{ID: 2, Administrator: true}, r.URL); err != nil {
		t.Errorf("an administrator: %v", err)
	}
	if err := call(newOutside([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), anna, r.URL); err != nil {
		t.Errorf("an allowed network: %v", err)
	}
	for address, want := range map[string]bool{"8.8.8.8": true, "2606:4700::1111": true, "224.0.0.1": false, "255.255.255.255": false, "172.16.0.1": false, "::": false, "172.32.0.1": true} {
		if got := o.allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// Errors are for people: they hold no address, which may have a secret in it.
func TestErrorsHoldNoSecrets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody is there
	e := newEnv(t)
	n, d := toChannel(e, "webhook,ntfy,gotify,matrix,mqtt", map[string]any{attrWebhookURL: "http://" + l.Addr().String() + "/TOPSECRET"})
	e.sendAll(n)
	if d = e.delivery(d.ID); d.Error == "" || strings.Contains(d.Error, "TOPSECRET") {
		t.Errorf("error %q", d.Error)
	}
	for _, address := range []string{"TOPSECRET", "ftp://TOPSECRET/", "http:TOPSECRET", "http://\x7f/TOPSECRET"} {
		e := newEnv(t)
		n, d := toChannel(e, "webhook", map[string]any{attrWebhookURL: address})
		e.sendAll(n)
		if d = e.delivery(d.ID); d.State != data.DeliveryFailed || strings.Contains(d.Error, "TOPSECRET") {
			t.Errorf("%q: %s, %q", address, d.State, d.Error)
		}
	}
}

// A slow receiver of one person holds up nobody else.
func TestSlowReceiver(t *testing.T) {
	e := newEnv(t)
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	anna, bert := e.user("anna", map[string]any{attrWebhookURL: slow.URL}), e.user("bert", nil)
	anna.Administrator = true
	e.ok(e.store.UpdateUser(t.Context(), &anna))
	truck := e.device("Truck", anna, bert)
	e.rule(data.Notification{Type: data.EventAlarm, Always: true, Notificators: "webhook,mail"}, anna, bert)
	for range 30 {
		e.event(truck, data.EventAlarm, alarmEvent("sos"))
	}
	n := e.notifier()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		e.mail.mu.Lock()
		got := len(e.mail.sent)
		e.mail.mu.Unlock()
		if got == 60 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d mails", got)
		}
	}
	cancel()
	release <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
