package bench

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// delays measures the time from the byte a device sends to the message a viewer
// reads. A report is known by its device and the second of its fix: a device
// sends at most one a second.
type delays struct {
	names []string // unique ids by number of the device in the load
	byID  map[int64]int

	sent []atomic.Int64 // per device and second (of the last keep) Unix nanoseconds

	mu  sync.Mutex
	all []time.Duration
	on  bool
}

// keep is how many seconds a report may be under way.
const keep = 64

func newDelays(names []string) *delays {
	return &delays{names: names, sent: make([]atomic.Int64, keep*len(names))}
}

// know takes the ids the server gave to the devices.
func (d *delays) know(ids map[string]int64) {
	d.byID = make(map[int64]int, len(ids))
	for i, name := range d.names {
		if id, ok := ids[name]; ok {
			d.byID[id] = i
		}
	}
}

// send notes that a device sends its report of a second now.
func (d *delays) send(device int, fix, now time.Time) {
	d.sent[device*keep+int(fix.Unix()%keep)].Store(now.UnixNano())
}

// shown notes that a viewer has read a report; id and fix begin the texts.
func (d *delays) shown(id, fix []byte, now time.Time) {
	n := 0
	for n < len(id) && id[n] >= '0' && id[n] <= '9' {
		n++
	}
	number, err := strconv.ParseInt(string(id[:n]), 10, 64)
	device, known := d.byID[number]
	if err != nil || !known || len(fix) < len(time.DateTime) {
		return
	}
	at, err := time.Parse("2006-01-02T15:04:05", string(fix[:len(time.DateTime)]))
	if err != nil {
		return
	}
	sent := d.sent[device*keep+int(at.Unix()%keep)].Load()
	if sent == 0 {
		return
	}
	d.mu.Lock()
	if d.on {
		d.all = append(d.all, time.Duration(now.UnixNano()-sent))
	}
	d.mu.Unlock()
}

// collect starts or ends the counting.
func (d *delays) collect(on bool) {
	d.mu.Lock()
	d.on = on
	d.mu.Unlock()
}

// quantile is the delay that a share of the reports does not exceed.
func (d *delays) quantile(q float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return quantile(d.all, q)
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}
