package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/simulator"
)

const (
	// readsPerSecond is how many requests are sent at an even rate, by
	// readClients connections; who waits for an answer makes the next one late.
	readsPerSecond = 2000
	readClients    = 64
	// readDevices devices with readHistory positions are read of.
	readDevices = 200
	readHistory = 500
	// idleSockets are spread over idleAccounts, each of which sees one device.
	idleSockets  = 1000
	idleAccounts = 50
	// liveRate is how many positions a second are shown to liveViewers.
	liveRate, liveViewers = 5000, 200
)

var web = []scenario{
	{
		name: "reads",
		figures: []Figure{
			{What: "mixed reads, answered", Unit: "/s", Must: readsPerSecond * 0.99},
			{What: "mixed reads at 2,000/s, p99", Unit: "ms", Must: 50, Lower: true},
		},
		run: mixedReads,
	},
	{
		name:    "sockets",
		figures: []Figure{{What: "memory that 1,000 idle sockets hold (heap and stacks)", Unit: "MB", Must: 60, Lower: true}},
		run:     sockets,
	},
	{
		name:    "live",
		figures: []Figure{{What: "what showing 5,000 positions/s to 200 viewers adds", Unit: "cores", Must: 0.25, Lower: true}},
		run:     showing,
	},
}

// readMix is what is asked for: the paths are chosen as often as they stand
// here. %d is a device.
var readMix = []string{
	"/api/session", "/api/session", "/api/session", "/api/server", "/api/devices", "/api/positions", "/api/positions",
	"/api/devices/%d", "/api/devices/%d", "/api/devices/%d", "/api/positions?deviceId=%d", "/api/positions?deviceId=%d", "/api/positions?deviceId=%d",
	"/api/geofences", "/api/groups", "/api/notifications", "/api/commands/types",
	"/api/positions?deviceId=%d&from=2026-01-01T00:00:00Z&to=2026-01-01T00:30:00Z",
	"/api/positions/track?deviceId=%d&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&zoom=12",
	"/api/reports/trips?deviceId=%d&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
}

// mixedReads sends mixed requests of families with ten devices each, and returns how
// many were answered each second and how long they took from when they were due.
func mixedReads(ctx context.Context, o Options) ([]float64, error) {
	dir, err := os.MkdirTemp(o.Dir, "waymark-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := startServer(ctx, o, dir, "--web.token-rate", "0", "--tracker.any-port", "off", "--tracker.ports", "*=off")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	readers, err := readFamilies(ctx, s.Web)
	if err != nil {
		return nil, err
	}
	if _, _, err := askAll(ctx, readers, o.Warmup); err != nil {
		return nil, err
	}
	done := s.profile(ctx, o)
	cpu, err := s.cpu()
	if err != nil {
		return nil, err
	}
	took, elapsed, err := askAll(ctx, readers, o.Duration)
	if err != nil {
		return nil, err
	}
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	done()
	slices.Sort(took)
	fmt.Fprintf(o.Progress, "  %d requests in %.1f s of CPU time; p50 %v\n", len(took), (after - cpu).Seconds(), took[len(took)/2])
	return []float64{float64(len(took)) / elapsed.Seconds(), millis(took[len(took)*99/100])}, nil
}

// reader is an account with the devices it sees.
type reader struct {
	*account
	devices []int64
}

// readFamilies makes devices with a history and accounts that share them.
func readFamilies(ctx context.Context, base string) ([]reader, error) {
	admin, err := signUp(ctx, base, nil, "admin")
	if err != nil {
		return nil, err
	}
	var list []reader
	for i := range families {
		member, err := signUp(ctx, base, admin, fmt.Sprint("family", i))
		if err != nil {
			return nil, err
		}
		list = append(list, reader{account: member})
		member.http.Transport = &http.Transport{MaxIdleConnsPerHost: readClients, MaxIdleConns: readClients}
	}
	var g errgroup.Group
	g.SetLimit(2) // as many imports run at once
	for i := range readDevices {
		of := &list[i%len(list)]
		var d struct{ ID int64 }
		if err := of.call(ctx, http.MethodPost, "/api/devices", map[string]any{"name": fmt.Sprint("Car ", i), "uniqueId": simulator.IMEI(i)}, &d); err != nil {
			return nil, err
		}
		of.devices = append(of.devices, d.ID)
		g.Go(func() error { return of.importTrack(ctx, d.ID, i) })
	}
	return list, g.Wait()
}

// importTrack gives a device a history, a position each ten seconds.
func (a *account) importTrack(ctx context.Context, deviceID int64, seed int) error {
	var b strings.Builder
	b.WriteString("<gpx><trk><trkseg>")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range readHistory {
		fmt.Fprintf(&b, `<trkpt lat="%f" lon="%f"><time>%s</time></trkpt>`, 50+float64(seed)/100+float64(i)/5000, 8+float64(i%7)/1000,
			at.Add(time.Duration(i)*10*time.Second).Format(time.RFC3339))
	}
	b.WriteString("</trkseg></trk></gpx>")
	var job struct {
		ID    int64
		State string
		Error *string
	}
	path := fmt.Sprintf("/api/jobs/import?format=gpx&deviceId=%d", deviceID)
	if err := a.send(ctx, http.MethodPost, path, "application/gpx+xml", strings.NewReader(b.String()), &job); err != nil {
		return err
	}
	for job.State != "done" {
		if job.Error != nil {
			return fmt.Errorf("import a track: %s", *job.Error)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
		if err := a.call(ctx, http.MethodGet, fmt.Sprint("/api/jobs/", job.ID), nil, &job); err != nil {
			return err
		}
	}
	return nil
}

// askAll sends requests at an even rate and returns how long each took from the
// moment it was due, so that waiting in line counts.
func askAll(ctx context.Context, readers []reader, duration time.Duration) (took []time.Duration, elapsed time.Duration, err error) {
	g, ctx := errgroup.WithContext(ctx)
	due := make(chan time.Time, readsPerSecond) // a second of waiting
	var mu sync.Mutex
	began := time.Now()
	for n := range readClients {
		g.Go(func() error {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			var own []time.Duration
			for at := range due {
				if err := readers[random.IntN(len(readers))].ask(ctx, random); err != nil {
					return err
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			return nil
		})
	}
	g.Go(func() error {
		defer close(due)
		for i := range int(duration.Seconds() * readsPerSecond) {
			at := began.Add(time.Duration(i) * time.Second / readsPerSecond)
			time.Sleep(time.Until(at))
			select {
			case due <- at:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	err = g.Wait()
	return took, time.Since(began), err
}

// ask sends one request of the mix.
func (r *reader) ask(ctx context.Context, random *rand.Rand) error {
	path := readMix[random.IntN(len(readMix))]
	if strings.Contains(path, "%d") {
		path = fmt.Sprintf(path, r.devices[random.IntN(len(r.devices))])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return nil
}

// sockets returns what idle sockets take of memory, in MB.
func sockets(ctx context.Context, o Options) ([]float64, error) {
	dir, err := os.MkdirTemp(o.Dir, "waymark-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := startServer(ctx, o, dir, "--tracker.any-port", "off", "--tracker.ports", "*=off")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	admin, err := signUp(ctx, s.Web, nil, "admin")
	if err != nil {
		return nil, err
	}
	var members []*account
	for i := range idleAccounts {
		member, err := signUp(ctx, s.Web, admin, fmt.Sprint("family", i))
		if err != nil {
			return nil, err
		}
		if err := member.call(ctx, http.MethodPost, "/api/devices", map[string]any{"name": "Car", "uniqueId": simulator.IMEI(i)}, nil); err != nil {
			return nil, err
		}
		members = append(members, member)
	}
	if err := wait(ctx, o.Warmup); err != nil {
		return nil, err
	}
	before, err := s.inUse(ctx)
	if err != nil {
		return nil, err
	}
	v := &viewers{}
	defer v.close()
	for i := range idleSockets {
		if err := v.open(ctx, members[i%len(members)]); err != nil {
			return nil, err
		}
	}
	if err := wait(ctx, o.Warmup); err != nil {
		return nil, err
	}
	after, err := s.inUse(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "  %.1f MB without sockets, %.1f MB with %d\n", before/(1<<20), after/(1<<20), idleSockets)
	return []float64{(after - before) / (1 << 20)}, nil
}

// inUse is the memory that the server holds, in bytes, after a collection: what
// signing in took before is not counted, though the process keeps it a while.
func (s *server) inUse(ctx context.Context) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Operations+"/debug/pprof/heap?gc=1", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask for a collection: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, fmt.Errorf("ask for a collection: %w", err)
	}
	heap, err := s.counter(ctx, "go_memstats_heap_inuse_bytes")
	if err != nil {
		return 0, err
	}
	stacks, err := s.counter(ctx, "go_memstats_stack_inuse_bytes")
	return heap + stacks, err
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// showing returns how much of a core it takes to show what devices send: the
// difference between a run with viewers and one without.
func showing(ctx context.Context, o Options) ([]float64, error) {
	var used [2]float64
	for i, watching := range []int{0, liveViewers} {
		load := simulator.Load{Protocol: "gt06", Devices: liveRate, Rate: liveRate, Duration: o.Warmup}
		s, err := openSite(ctx, o, load, watching, nil)
		if err != nil {
			return nil, err
		}
		defer s.close()
		if _, err := s.crowd.Run(ctx); err != nil {
			return nil, err
		}
		s.crowd.SetDuration(o.Duration)
		done := func() {}
		if watching > 0 {
			done = s.profile(ctx, o)
		}
		before, err := s.cpu()
		if err != nil {
			return nil, err
		}
		if _, err := s.crowd.Run(ctx); err != nil {
			return nil, err
		}
		after, err := s.cpu()
		if err != nil {
			return nil, err
		}
		done()
		used[i] = (after - before).Seconds() / o.Duration.Seconds()
		fmt.Fprintf(o.Progress, "  %d viewers: %.3f cores, %d positions shown\n", watching, used[i], s.viewers.shown.Load())
		if err := s.close(); err != nil {
			return nil, err
		}
	}
	return []float64{used[1] - used[0]}, nil
}
