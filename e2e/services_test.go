package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// natsServer starts a NATS server with JetStream, as a cluster's would be.
func natsServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS server not ready")
	}
	return s.ClientURL()
}

// TestThreeServices runs the services apart, on NATS and PostgreSQL.
func TestThreeServices(t *testing.T) {
	telegram := tgfake.New(t)
	shared := []string{"--bus.url", natsServer(t), "--storage.url", pgtest.Open(t), "--data-dir", t.TempDir()}
	health := map[string]string{"tracker": "http://127.0.0.1:" + freePort(t), "bot": "http://127.0.0.1:" + freePort(t)}
	bare := func(u string) string { return strings.TrimPrefix(u, "http://") }

	web := start(t, binary(t, "web-server", "../web-server"), append(shared, "--web.listen", "127.0.0.1:0")...)
	tracker := start(t, binary(t, "tracker", "../tracker"), append(shared, "--ops.listen", bare(health["tracker"]),
		"--tracker.host", "127.0.0.1", "--tracker.ports", "gt06=0,teltonika=0,osmand=0,*=off", "--tracker.register-unknown")...)
	bot := start(t, binary(t, "tgram-bot", "../tgram-bot"), append(shared, "--ops.listen", bare(health["bot"]),
		"--bot.token", tgfake.Token, "--bot.api-url", telegram.URL)...)

	c := newClient(t, "http://"+web.await(`listening.*address"?[:=]"?(127\.0\.0\.1:\d+)`)[1])
	awaitReady(t, c.base)
	awaitReady(t, health["tracker"])
	awaitReady(t, health["bot"])
	ports := map[string]string{}
	for _, p := range []string{"gt06", "teltonika", "osmand"} {
		ports[p] = tracker.await(fmt.Sprintf(`listening.*protocol"?[:=]"?%s"?.*transport"?[:=]"?(?:tcp|http)"?.*address"?[:=]"?(127\.0\.0\.1:\d+)`, p))[1]
	}

	c.signUp()
	live := c.socket()
	at := time.Now().UTC().Truncate(time.Second)
	sendAll(t, ports, at)
	seen := map[int]bool{}
	awaitPosition(t, live, "a position of every device", func(p position) bool {
		for n := 1; n <= 3; n++ {
			seen[n] = seen[n] || near(p, n, at)
		}
		return seen[1] && seen[2] && seen[3]
	})
	if !near(c.latest()[phoneID], 1, at) {
		t.Errorf("the phone is at %+v", c.latest()[phoneID])
	}

	askTheBot(t, c, telegram)

	for _, p := range []*process{bot, tracker, web} {
		if took := p.interrupt(); took > ending {
			t.Errorf("%s took %v to end", p.name, took)
		}
	}
	for _, p := range []*process{bot, tracker, web} {
		if strings.Contains(p.out.String(), "FakeFake") {
			t.Errorf("%s logs the bot's token", p.name)
		}
	}
}

// askTheBot links a Telegram account to the administrator and asks for a device.
func askTheBot(t *testing.T, c *client, telegram *tgfake.Server) {
	t.Helper()
	anna := tgfake.Person{ID: 4711, FirstName: "Anna", Language: "en"}
	telegram.SendText(anna, "/where "+phoneID)
	if m := telegram.Next(anna.ID); strings.Contains(m.Text, "52.") || strings.Contains(m.Text, gt06ID) {
		t.Fatalf("the bot tells a stranger: %s", m.Text)
	}
	var link struct{ URL, Code string }
	eventually(t, "the link to the bot", func() bool { return c.call("POST", "/api/telegram/link", nil, &link) == 200 })
	_, code, ok := strings.Cut(link.URL, "?start=")
	if !ok {
		t.Fatalf("link %+v", link)
	}
	telegram.SendText(anna, "/start "+code)
	telegram.Tap(anna, telegram.Next(anna.ID), "Connect")
	eventually(t, "the account to be connected", func() bool {
		var state struct{ Connected bool }
		c.must("GET", "/api/telegram/link", nil, &state)
		return state.Connected
	})
	telegram.Settle()
	telegram.Unread(anna.ID)
	telegram.SendText(anna, "/where "+phoneID)
	telegram.Await("a pin on the map", func() bool {
		for _, m := range telegram.Messages(anna.ID) {
			if m.Location != nil && m.Location.Latitude > 52.5 && m.Location.Latitude < 52.52 {
				return true
			}
		}
		return false
	})
}

// TestServicesNeedABus: alone and without a bus a service would hear nobody.
func TestServicesNeedABus(t *testing.T) {
	for _, name := range []string{"tracker", "web-server", "tgram-bot"} {
		p := start(t, binary(t, name, "../"+name), "--data-dir", t.TempDir())
		p.await(`bus\.url`)
		<-p.exited
		if p.err == nil {
			t.Errorf("%s started without a bus", name)
		}
	}
}
