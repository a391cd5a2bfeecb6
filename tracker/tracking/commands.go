package tracking

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

// CommandStore keeps commands and knows how fast devices are.
type CommandStore interface {
	ChangeCommand(ctx context.Context, id int64, from []data.CommandState, step data.CommandStep) (data.QueuedCommand, error)
	ExpireCommands(ctx context.Context, now time.Time) ([]data.QueuedCommand, error)
	ListCommands(ctx context.Context, f storage.CommandFilter) ([]data.QueuedCommand, error)
	OpenCommandDevices(ctx context.Context) ([]int64, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	InsertEvents(ctx context.Context, events []data.Event) error
}

// CommandBus tells trackers and others about commands. It may lose messages:
// the store knows everything, and is looked into now and then.
type CommandBus interface {
	PublishCommand(data.CommandChange) error
	PublishEvents([]data.Event) error
	// PublishHolder returns when nobody who queues a command later can be heard
	// before it.
	PublishHolder(data.DeviceHolder) error
	// SubscribeDownlink delivers changes of commands and holders of devices one at
	// a time, in the order in which they came.
	SubscribeDownlink(changed func(data.CommandChange), held func(data.DeviceHolder)) (unsubscribe func(), err error)
	// AnswerCommandTypes answers everybody who asks what commands a protocol has.
	AnswerCommandTypes(func(protocol string) []string) (stop func(), err error)
}

const (
	// commandsEvery is how often commands are looked at that nothing has
	// happened to: whether their time is over.
	commandsEvery = time.Second
	// commandsSweep is how often the store is asked which devices have open
	// commands, because the bus may lose a message; in looks.
	commandsSweep = 15
	// commandTimeout bounds one question to the store.
	commandTimeout = 10 * time.Second
	// commandWorkers bounds the devices that are served at once. A device that
	// does not read holds one up for as long as a write may take.
	commandWorkers = 16
	// maxHeard bounds what is kept of a device's words until they are looked at.
	maxHeard = 32
)

// outbox sends commands to the devices that are connected here. Every tracker
// knows which devices have open commands; the one that has the connection takes
// them, and the store sees to it that each is taken once.
type outbox struct {
	deps Deps
	// name tells this tracker from the others.
	name    string
	changes metric.CounterOf

	// open is how many devices have open commands: mostly none, and then what
	// devices say need not be looked at.
	open atomic.Int64

	mu      sync.Mutex
	links   map[int64]*link // by device, the connection it spoke on last
	devices map[int64]*mail // those with open commands
	due     []int64         // devices that wait for a worker, each once
	wake    chan struct{}   // due is not empty; it has room for one
}

// mail is what is going on with one device. The outbox's lock guards it.
type mail struct {
	// round goes up with everything that happens.
	round     uint64
	due, busy bool
	// spoke is where the device has just spoken, nil if it has not.
	spoke *link
	heard heard
}

// heard is what a device said that may concern its commands.
type heard struct {
	answers   []data.CommandAnswer // what its protocol says of the oldest command
	results   []string             // its own words
	positions []data.Position
}

func (h *heard) add(o heard) {
	h.answers = last(append(h.answers, o.answers...))
	h.results = last(append(h.results, o.results...))
	h.positions = last(append(h.positions, o.positions...))
}

func last[T any](s []T) []T { return s[max(0, len(s)-maxHeard):] }

func newOutbox(deps Deps, changes metric.CounterOf) *outbox {
	return &outbox{
		deps: deps, name: trackerName(), changes: changes,
		links: map[int64]*link{}, devices: map[int64]*mail{}, wake: make(chan struct{}, 1),
	}
}

// trackerName is the host and something that no other process has.
func trackerName() string {
	var unique [4]byte
	rand.Read(unique[:])
	host, err := os.Hostname()
	if err != nil {
		host = "tracker"
	}
	return host + "-" + hex.EncodeToString(unique[:])
}

func (o *outbox) now() time.Time { return o.deps.Now().UTC().Truncate(time.Millisecond) }

// run serves devices until ctx ends.
func (o *outbox) run(ctx context.Context) (err error) {
	if o.deps.Commands == nil {
		return nil
	}
	defer func() {
		if err != nil { // positions matter more: they go on
			o.deps.Log.Error("no commands can be sent", "err", err)
		}
	}()
	unwatch, err := o.deps.CommandBus.SubscribeDownlink(o.changed, o.held)
	if err != nil {
		return err
	}
	defer unwatch()
	stop, err := o.deps.CommandBus.AnswerCommandTypes(o.types)
	if err != nil {
		return err
	}
	defer stop()
	o.sweep(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, commandWorkers)
	tick := time.NewTicker(commandsEvery)
	defer tick.Stop()
	for looks := 1; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if looks++; looks%commandsSweep == 0 {
				o.sweep(ctx)
			}
			o.expire(ctx)
		case <-o.wake:
			for id, ok := o.next(); ok; id, ok = o.next() {
				slots <- struct{}{}
				workers.Go(func() {
					defer func() { <-slots }()
					o.serve(ctx, id)
				})
			}
		}
	}
}

// types are the commands of a protocol, nil if there is no such.
func (o *outbox) types(name string) []string {
	for i := range o.deps.Protocols {
		if o.deps.Protocols[i].Name == name {
			return o.deps.Protocols[i].Commands
		}
	}
	return nil
}

// changed takes a change of a command from the bus.
func (o *outbox) changed(c data.CommandChange) {
	if !c.State.Open() {
		return // serve finds out, or sweep
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expect(c.DeviceID)
	if c.State == data.CommandQueued {
		o.kick(c.DeviceID, nil, heard{})
	}
}

// held takes from the bus that a device is connected elsewhere.
func (o *outbox) held(h data.DeviceHolder) {
	if h.Tracker == o.name {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.links, h.DeviceID)
}

// expect notes that a device has open commands. The caller holds o.mu.
func (o *outbox) expect(deviceID int64) {
	if o.devices[deviceID] == nil {
		o.devices[deviceID] = &mail{}
		o.open.Add(1)
	}
}

// kick sends a device to the workers, if it has open commands. The caller holds
// o.mu.
func (o *outbox) kick(deviceID int64, spoke *link, h heard) {
	m := o.devices[deviceID]
	if m == nil {
		return
	}
	m.round++
	m.heard.add(h)
	if spoke != nil {
		m.spoke = spoke
	}
	o.schedule(deviceID, m)
}

func (o *outbox) schedule(deviceID int64, m *mail) {
	if m.due || m.busy {
		return
	}
	m.due = true
	o.due = append(o.due, deviceID)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) next() (deviceID int64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.due) == 0 {
		return 0, false
	}
	deviceID = o.due[0]
	o.due = o.due[1:]
	return deviceID, true
}

// serve does what there is to do for a device. Nobody else serves it meanwhile.
func (o *outbox) serve(ctx context.Context, deviceID int64) {
	o.mu.Lock()
	m := o.devices[deviceID]
	if m == nil {
		o.mu.Unlock()
		return
	}
	m.due, m.busy = false, true
	round, spoke, h := m.round, m.spoke, m.heard
	m.spoke, m.heard = nil, heard{}
	l := o.links[deviceID]
	if l != nil && !l.open {
		l = nil // opened comes
	}
	o.mu.Unlock()

	over := false
	if spoke != nil || l != nil {
		over = o.work(ctx, deviceID, l, spoke, h)
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	m.busy = false
	switch {
	case m.round != round: // something happened meanwhile
		o.schedule(deviceID, m)
	case over:
		o.forget(deviceID)
	}
}

// forget notes that a device has no open commands. The caller holds o.mu.
func (o *outbox) forget(deviceID int64) {
	if o.devices[deviceID] != nil {
		delete(o.devices, deviceID)
		o.open.Add(-1)
	}
}

// sweep asks the store which devices have open commands, and tries those again
// that are connected here.
func (o *outbox) sweep(ctx context.Context) {
	o.mu.Lock()
	rounds := make(map[int64]uint64, len(o.devices))
	for id, m := range o.devices {
		rounds[id] = m.round
	}
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	ids, err := o.deps.Commands.OpenCommandDevices(ctx)
	if err != nil {
		o.logErr(ctx, "look for open commands", err)
		return
	}
	has := func(ids []int64, id int64) bool { _, ok := slices.BinarySearch(ids, id); return ok }
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, round := range rounds {
		if m := o.devices[id]; m != nil && m.round == round && !m.busy && !m.due && !has(ids, id) {
			o.forget(id)
		}
	}
	for _, id := range ids {
		o.expect(id)
		if o.links[id] != nil {
			o.kick(id, nil, heard{})
		}
	}
}

// expire ends the commands whose time is over. Every tracker does; of several
// one finds them.
func (o *outbox) expire(ctx context.Context) {
	if o.open.Load() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	ended, err := o.deps.Commands.ExpireCommands(ctx, o.now())
	if err != nil {
		o.logErr(ctx, "end commands whose time is over", err)
	}
	for i := range ended {
		o.tell(&ended[i])
	}
}

// tell publishes what has become of a command.
func (o *outbox) tell(c *data.QueuedCommand) {
	o.changes(string(c.State)).Inc()
	o.deps.Log.Info("command", "id", c.ID, "device", c.DeviceID, "type", c.Type, "state", string(c.State))
	if err := o.deps.CommandBus.PublishCommand(c.Change()); err != nil {
		o.deps.Log.Warn("tell about a command", "id", c.ID, "err", err)
	}
	change := c.Change()
	if e, ok := change.Event(); ok {
		o.record(e)
	}
}

// record stores an event and passes it on. What is lost here the command's own
// steps still say.
func (o *outbox) record(e data.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	events := []data.Event{e}
	err := o.deps.Commands.InsertEvents(ctx, events)
	if err == nil && events[0].ID != 0 {
		err = o.deps.CommandBus.PublishEvents(events)
	}
	if err != nil {
		o.deps.Log.Warn("record the event of a command", "device", e.DeviceID, "err", err)
	}
}

func (o *outbox) logErr(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		o.deps.Log.Warn(doing, "err", err)
	}
}
