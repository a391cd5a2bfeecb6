package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryProtocolToAPIAndSocket(t *testing.T) {
	i := serve(t, t.TempDir())
	i.signUp()
	live := i.socket()
	at := time.Now().UTC().Truncate(time.Second)
	sendAll(t, i.ports, at)
	seen := map[int]time.Time{}
	awaitPosition(t, live, "a position of every device", func(p position) bool {
		for n := 1; n <= 4; n++ {
			if near(p, n, at) {
				seen[n] = time.Now()
			}
		}
		return len(seen) == 4
	})
	latest := i.latest()
	for n, id := range map[int]string{1: phoneID, 2: gt06ID, 3: teltonikaID, 4: udpID} {
		if p, ok := latest[id]; !ok || !near(p, n, at) {
			t.Errorf("%s is at %+v", id, p)
		}
	}
	if got := latest[phoneID].Attributes["batteryLevel"]; got != 80.0 {
		t.Errorf("batteryLevel %v", got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status := newClient(t, i.base).call("GET", path, nil, nil); status != http.StatusOK {
			t.Errorf("%s: status %d", path, status)
		}
	}
	if took := i.interrupt(); took > ending {
		t.Errorf("Ctrl-C took %v", took)
	}
}

func TestStrangerWaitsToBeRegistered(t *testing.T) {
	i := serve(t, t.TempDir(), "--tracker.register-unknown=false")
	i.signUp()
	at := time.Now().UTC().Truncate(time.Second)
	if status := tryPhone(i.ports["osmand"], phoneID, spot(1, at)); status != http.StatusBadRequest {
		t.Fatalf("a stranger got status %d", status)
	}
	var strangers []struct{ UniqueID, Protocol, Address, LastFrame string }
	eventually(t, "the stranger in the list", func() bool {
		i.must("GET", "/api/unknown-devices", nil, &strangers)
		return len(strangers) == 1
	})
	if s := strangers[0]; s.UniqueID != phoneID || s.Protocol != "osmand" || s.Address == "" || s.LastFrame == "" {
		t.Errorf("stranger %+v", s)
	}
	i.must("POST", "/api/unknown-devices/register", map[string]string{"uniqueId": phoneID, "protocol": "osmand", "name": "Phone"}, nil)
	eventually(t, "the device to be accepted", func() bool {
		return tryPhone(i.ports["osmand"], phoneID, spot(1, at)) == http.StatusOK
	})
	eventually(t, "its position", func() bool { return near(i.latest()[phoneID], 1, at) })
	i.must("GET", "/api/unknown-devices", nil, &strangers)
	if len(strangers) != 0 {
		t.Errorf("still strangers: %+v", strangers)
	}
}

// TestKillLosesNothing kills the process under load, several times, and then
// compares what was acknowledged with what is stored.
func TestKillLosesNothing(t *testing.T) {
	const kills, senders = 4, 8
	dir := t.TempDir()
	var mu sync.Mutex
	acknowledged := map[string]map[int64]bool{} // device -> fix time ms
	begin := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	var clock atomic.Int64 // every position has a time of its own
	clock.Store(begin.UnixMilli())

	i := serve(t, dir)
	i.signUp()
	for range kills {
		var count atomic.Int64
		var group sync.WaitGroup
		for s := range senders {
			id := "device-" + string(rune('a'+s))
			group.Go(func() {
				for {
					at := time.UnixMilli(clock.Add(1000)).UTC()
					if tryPhone(i.ports["osmand"], id, spot(s, at)) != http.StatusOK {
						return // killed
					}
					mu.Lock()
					if acknowledged[id] == nil {
						acknowledged[id] = map[int64]bool{}
					}
					acknowledged[id][at.UnixMilli()] = true
					mu.Unlock()
					count.Add(1)
				}
			})
		}
		eventually(t, "some load", func() bool { return count.Load() > 100 })
		i.kill()
		group.Wait()
		i = serve(t, dir)
	}
	i.signIn(adminEmail, adminPassword)
	end := time.UnixMilli(clock.Load()).Add(time.Hour)
	total := 0
	for id, times := range acknowledged {
		total += len(times)
		var missing []time.Time
		eventually(t, "every acknowledged position of "+id, func() bool {
			stored := map[int64]int{}
			for _, p := range i.history(id, begin, end) {
				stored[p.FixTime.UnixMilli()]++
			}
			missing = nil
			for ms := range times {
				if stored[ms] > 1 {
					t.Fatalf("%s: %v is stored %d times", id, time.UnixMilli(ms), stored[ms])
				}
				if stored[ms] == 0 {
					missing = append(missing, time.UnixMilli(ms))
				}
			}
			return len(missing) == 0
		})
	}
	if total < kills*100 {
		t.Errorf("only %d positions were acknowledged", total)
	}
	t.Logf("%d positions acknowledged over %d kills, all stored once", total, kills)
}

func TestHistorySurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	i := serve(t, dir)
	i.signUp()
	at := time.Now().UTC().Truncate(time.Second)
	for n := range 5 {
		sendPhone(t, i.ports["osmand"], phoneID, spot(n, at.Add(time.Duration(n)*time.Second)))
	}
	i.interrupt()
	i = serve(t, dir)
	i.signIn(adminEmail, adminPassword)
	eventually(t, "the history", func() bool {
		return len(i.history(phoneID, at.Add(-time.Minute), at.Add(time.Minute))) == 5
	})
}

func TestDemo(t *testing.T) {
	dir := t.TempDir()
	ports := []string{"--data-dir", dir, "--web.listen", "127.0.0.1:0", "--tracker.ports", "gt06=0,teltonika=0,osmand=0,*=off"}
	p := start(t, waymark(t), append([]string{"serve", "--demo"}, ports...)...)
	web := p.await(`Open (http://\S+)`)[1]
	login := p.await(`Sign in with (\S+) / (\S+)`)
	c := newClient(t, web)
	eventually(t, "the login", func() bool {
		resp, err := http.PostForm(web+"/api/session", map[string][]string{"email": {login[1]}, "password": {login[2]}})
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	c.signIn(login[1], login[2])
	live := c.socket()
	first := map[int64]position{}
	awaitPosition(t, live, "a device that moves", func(p position) bool {
		before, ok := first[p.DeviceID]
		if !ok {
			first[p.DeviceID] = p
			return false
		}
		return before.Latitude != p.Latitude || before.Longitude != p.Longitude
	})
	var devices []device
	c.must("GET", "/api/devices", nil, &devices)
	if len(devices) < 9 {
		t.Errorf("%d demo devices", len(devices))
	}
	p.interrupt()

	// The login is known to everybody: it ends where others can reach the page.
	p = start(t, waymark(t), append([]string{"serve"}, ports...)...)
	c = newClient(t, p.await(`Open (http://\S+)`)[1])
	awaitReady(t, c.base)
	if status := c.call("POST", "/api/session", map[string][]string{"email": {login[1]}, "password": {login[2]}}, nil); status == http.StatusOK {
		t.Error("the demo login works without --demo")
	}
}

func TestStartErrorsAreClear(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("web:\n  listn: \":1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	free := []string{"--data-dir", dir, "--tracker.host", "127.0.0.1", "--tracker.ports", "gt06=0,teltonika=0,osmand=0,*=off", "--web.listen", "127.0.0.1:0"}
	with := func(more ...string) []string { return append(append([]string{"serve"}, free...), more...) }

	fails(t, `web\.listn.*web\.listen`, with("--config", file)...)
	fails(t, `does not exist`, with("--config", file+"-missing")...)
	fails(t, `tracker\.port-offset.*many`, with("--tracker.port-offset", "many")...)
	fails(t, `web\.lisen`, with("--web.lisen", ":1")...)
	fails(t, `web port.*`+port, with("--web.listen", "127.0.0.1:"+port)...)
	fails(t, `gt06.*`+port, with("--tracker.ports", "gt06="+port+",*=off")...)
	fails(t, `data-dir|folder`, with("--data-dir", file)...)
	fails(t, `storage\.url|database URL`, with("--storage.url", "mysql://nobody")...)
	fails(t, `bot: token`, with("--bot.token", "nonsense")...)
	fails(t, `admin`, with("--admin.email", "anna@example.com")...)

	i := serve(t, dir)
	fails(t, `another waymark process`, with()...)
	i.interrupt()
}

func TestConfigSaysWhereFrom(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "waymark.yml")
	if err := os.WriteFile(file, []byte("tracker:\n  host: 127.0.0.1\nbot:\n  token: 123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, waymark(t), "config", "--config", file, "--web.listen", "127.0.0.1:9999")
	<-p.exited
	out := p.out.String()
	for _, want := range []string{`web.listen: .*9999.*--web\.listen`, `tracker\.host: .*127\.0\.0\.1.*waymark\.yml`, `log\.level: .*info.*default`, `bot\.token: .*\*\*\*`} {
		p.await(want)
	}
	if p.err != nil || len(out) == 0 {
		t.Errorf("waymark config: %v", p.err)
	}
	if strings.Contains(out, "FakeFake") {
		t.Error("the token is printed")
	}
}
