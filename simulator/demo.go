package simulator

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// demoDevice is one of the devices of the demonstration.
type demoDevice struct {
	protocol string
	id       string
	name     string
	category string
	route    *route
	manner   manner
	every    time.Duration
}

// demoDevices drive in three cities: whatever the time, it is day in one.
var demoDevices = []demoDevice{
	{"teltonika", IMEI(90_001), "Berlin taxi", "car", berlinAvenue, asTaxi, 2 * time.Second},
	{"gt06", IMEI(90_002), "Berlin bus 100", "bus", berlinBus, asBus, 3 * time.Second},
	{"gt06", IMEI(90_003), "Berlin parcel van", "van", berlinWest, asVan, 2 * time.Second},
	{"osmand", "demo-bicycle", "Berlin bicycle", "bicycle", berlinCanal, asBicycle, 4 * time.Second},
	{"teltonika", IMEI(90_004), "Lisbon car", "car", lisbonAvenues, asCar, time.Second},
	{"gt06", IMEI(90_005), "Lisbon bus 728", "bus", lisbonRiver, asBus, 3 * time.Second},
	{"osmand", "demo-walker", "Lisbon walker", "person", lisbonOldTown, asPerson, 5 * time.Second},
	{"gt06", IMEI(90_006), "Lisbon pizza scooter", "scooter", lisbonAvenues, asScooter, 2 * time.Second},
	{"teltonika", IMEI(90_007), "Melbourne tram 1", "tram", melbourneTram, asTram, 2 * time.Second},
	{"teltonika", IMEI(90_008), "Melbourne truck", "truck", melbourneCollins, asTruck, 3 * time.Second},
	{"gt06", IMEI(90_009), "Melbourne car", "car", melbourneChapel, asCar, time.Second},
	{"osmand", "demo-courier", "Melbourne courier", "scooter", melbourneCollins, asScooter, 2 * time.Second},
}

// DemoDevices are the devices of the demonstration, as they have to be
// registered: UniqueID, Name and Category are set.
func DemoDevices() []data.Device {
	out := make([]data.Device, 0, len(demoDevices))
	for _, d := range demoDevices {
		out = append(out, data.Device{UniqueID: d.id, Name: d.name, Category: d.category})
	}
	return out
}

const (
	// demoTimeout and demoBackoff are short: the server is near, and may be
	// starting just now.
	demoTimeout = 10 * time.Second
	demoBackoff = 5 * time.Second
)

// Demo drives the devices of DemoDevices until ctx ends. targets are the
// addresses (host:port) of gt06, teltonika and osmand.
func Demo(ctx context.Context, targets map[string]string, log *slog.Logger) error {
	var missing []string
	for _, d := range demoDevices {
		if targets[d.protocol] == "" && !slices.Contains(missing, d.protocol) {
			missing = append(missing, d.protocol)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("drive the demo devices: no address for %s: %w", strings.Join(missing, ", "), data.ErrInvalid)
	}
	log.Info("demo devices are on their way", "devices", len(demoDevices))
	f := &fleet{cfg: Config{Timeout: demoTimeout, MaxBackoff: demoBackoff, Heartbeat: defaultHeartbeat}, counts: &counters{}, log: log}
	var devices sync.WaitGroup
	for i, d := range demoDevices {
		speaker, _, err := dialectOf(d.protocol)
		if err != nil {
			return fmt.Errorf("drive the demo devices: %w", err)
		}
		played := f.newDevice(2*i, d.id, share{dialect: speaker, Share: Share{Target: targets[d.protocol]}}, newMover(d.route, d.manner, uint64(i)))
		played.interval, played.quick = d.every, firstReports
		devices.Go(func() { played.run(ctx, 0) })
	}
	devices.Wait()
	r := f.counts.report(0, len(demoDevices))
	log.Info("demo devices have stopped", "acknowledged", r.Acknowledged, "errors", r.Failures())
	return nil
}

// firstReports are sent faster than the later ones, so that whoever has just
// opened the map sees something move.
const firstReports = 5
