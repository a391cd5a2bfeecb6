package simulator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/gl200"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/h02"
	"github.com/waymark-gps/waymark/tracker/protocol/jt808"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/tracker/protocol/watch"
)

// dialect is the device's side of a protocol. A value serves any number of
// devices: what belongs to one is in the arguments.
type dialect interface {
	// room is how many reports fit into one message.
	room() int
	// hello appends what is said first; nothing if the device goes on at once.
	hello(b []byte, d *device) []byte
	// report appends a message with up to room positions.
	report(b []byte, d *device, p []data.Position, serial uint16) []byte
	// heartbeat appends a message that the server answers, nothing if there is
	// none. state has the time and the attributes of the device.
	heartbeat(b []byte, d *device, state *data.Position, serial uint16) []byte
	// closing tells whether a burst of reports has to end with a heartbeat,
	// because only that one is answered. The server answers in order.
	closing() bool
	// resumes tells whether a message behind half of one can be read.
	resumes() bool
	// read reads what the server said from the front of b. size is 0 if more
	// bytes are needed; an error says that b makes no sense.
	read(b []byte, d *device) (a answer, size int, err error)
	// obey carries out a command and appends what the device answers.
	obey(b []byte, d *device, a *answer, state *data.Position) []byte
}

// answerKind is what the server says.
type answerKind uint8

const (
	answerOther    answerKind = iota
	answerAccepted            // the device is welcome
	answerRefused             // the device is not
	answerSerial              // the message with that serial number is taken
	answerNext                // the oldest message is taken, or count of its reports
	answerAny                 // some message is taken
	answerAll                 // whatever was sent is taken
	answerBeat                // the heartbeat has arrived
	answerCommand             // obey
)

type answer struct {
	kind   answerKind
	serial uint16
	count  int // reports taken, 0 for all of the message
	code   int // of the command
	word   string
	rest   string
}

// dialects are what can be simulated, with the protocol's default port.
var dialects = []struct {
	protocol func() protocol.Protocol
	dialect  dialect
}{
	{gt06.Protocol, gt06Dialect{}},
	{teltonika.Protocol, teltonikaDialect{}},
	{osmand.Protocol, osmandDialect{}},
	{h02.Protocol, h02Dialect{}},
	{gl200.Protocol, gl200Dialect{}},
	{jt808.Protocol, jt808Dialect{}},
	{watch.Protocol, watchDialect{}},
}

// Protocols lists what can be simulated.
func Protocols() []string {
	var names []string
	for _, d := range dialects {
		names = append(names, d.protocol().Name)
	}
	return names
}

func dialectOf(name string) (dialect, int, error) {
	i := slices.Index(Protocols(), name)
	if i < 0 {
		return nil, 0, fmt.Errorf("protocol %q: %s can be simulated: %w", name, strings.Join(Protocols(), ", "), data.ErrInvalid)
	}
	return dialects[i].dialect, dialects[i].protocol().Port, nil
}

// unreadable is the error of read.
func unreadable(b []byte) error {
	return fmt.Errorf("read answer: %.40q makes no sense: %w", b, data.ErrInvalid)
}
