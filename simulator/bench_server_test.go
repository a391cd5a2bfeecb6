package simulator

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/memory"
	"github.com/waymark-gps/waymark/util/metric"
)

// serverMode says which server this process is to be; none in the tests.
const serverMode = "WAYMARK_BENCH_SERVER"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(serverMode) {
	case "tracker":
		err = runTracker()
	case "echo":
		err = runEcho()
	case "garbage":
		err = runGarbage(os.Getenv(garbageTarget))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// everybody recognises any device.
type everybody struct{}

func (e *everybody) ByUniqueID(_ context.Context, id string) (data.Device, error) {
	n := int64(0)
	for _, c := range []byte(id) {
		n = n*10 + int64(c-'0')
	}
	return data.Device{ID: n, UniqueID: id, Name: id}, nil
}
func (*everybody) Invalidate(data.DeviceChange)                            {}
func (*everybody) CreateDevice(context.Context, *data.Device) error        { return nil }
func (*everybody) TouchDevices(context.Context, map[int64]time.Time) error { return nil }
func (*everybody) DisconnectDevices(context.Context, map[int64]data.Disconnection) error {
	return nil
}
func (*everybody) RecordUnknownDevices(context.Context, []data.UnknownDevice) error { return nil }
func (*everybody) PublishDevice(data.DeviceChange) error                            { return nil }
func (*everybody) PublishSeen(map[int64]time.Time) error                            { return nil }

// atOnce is a bus whose disk takes no time.
type atOnce struct{}

func (atOnce) MaxBatch() int                                                  { return 500 }
func (atOnce) Shards() int                                                    { return 1 }
func (atOnce) PublishPositions(int, []data.Position) (tracking.Waiter, error) { return atOnce{}, nil }
func (atOnce) Wait(context.Context) error                                     { return nil }

// runTracker is the tracker as it is, with nothing behind it.
func runTracker() error {
	nobody := &everybody{}
	t, err := tracking.New(tracking.Config{
		Host: "127.0.0.1", Ports: map[string]string{"gt06": "0", "teltonika": "0", "*": "off"}, MaxConnections: maxDevices,
	}, tracking.Deps{
		Protocols: []protocol.Protocol{gt06.Protocol(), teltonika.Protocol()}, Devices: nobody, Store: nobody, Bus: nobody,
		Publisher: atOnce{}, Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(), Now: time.Now,
	})
	if err != nil {
		return err
	}
	addresses := map[string]string{}
	for _, a := range t.Addresses() {
		if a.Transport == protocol.TCP {
			addresses[a.Protocol] = a.Addr.String()
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	go memory.Run(ctx) // as every program does
	err = tellAbout(addresses)
	stop()
	return errors.Join(err, <-done)
}

// runEcho acknowledges gt06 frames and does nothing else, as cheaply as a server
// with a goroutine for each connection can.
func runEcho() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()
	return tellAbout(map[string]string{"gt06": l.Addr().String()})
}

func echo(conn net.Conn) {
	defer conn.Close()
	var in, out [8192]byte
	for {
		n, err := conn.Read(in[:])
		if err != nil {
			return
		}
		reply := out[:0]
		for b := in[:n]; len(b) > 5; b = b[5+int(b[2]):] {
			size := 5 + int(b[2])
			start := len(reply)
			reply = append(reply, 0x78, 0x78, 5, b[3], b[size-6], b[size-5])
			reply = binary.BigEndian.AppendUint16(reply, converters.CRC16X25(reply[start+2:]))
			reply = append(reply, '\r', '\n')
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// usage is what a process has used.
type usage struct {
	CPU time.Duration
	// RSS is resident memory in bytes, Heap and Stack what of it Go holds.
	RSS, Heap, Stack uint64
	// Dropped is how often the server hung up on a garbage peer of this process.
	Dropped int64
}

func used() usage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails for nobody on itself
	u := usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Dropped: dropped.Load()}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Heap, u.Stack = m.HeapInuse, m.StackInuse
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var pages, resident uint64
		if _, err := fmt.Sscan(string(b), &pages, &resident); err == nil {
			u.RSS = resident * uint64(os.Getpagesize())
		}
	}
	return u
}

// tellAbout tells the parent process where the server is, then answers its
// questions until it closes the pipe.
func tellAbout(addresses map[string]string) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(addresses); err != nil {
		return err
	}
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		switch word, name, _ := strings.Cut(questions.Text(), " "); word {
		case "settle":
			debug.FreeOSMemory()
		case "profile":
			f, err := os.Create(name)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		case "heap":
			f, err := os.Create(name)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := pprof.WriteHeapProfile(f); err != nil {
				return err
			}
		}
		if err := out.Encode(used()); err != nil {
			return err
		}
	}
	return questions.Err()
}

// process is a server in a process of its own.
type process struct {
	tb        testing.TB
	addresses map[string]string
	in        io.WriteCloser
	out       *json.Decoder
}

func startProcess(tb testing.TB, mode string) *process {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), serverMode+"="+mode)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, in: in, out: json.NewDecoder(out)}
	tb.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Error(err)
		}
	})
	if err := p.out.Decode(&p.addresses); err != nil {
		tb.Fatal(err)
	}
	if folder := os.Getenv("WAYMARK_BENCH_PROFILE"); folder != "" && mode == "tracker" {
		p.ask("profile " + folder + "/" + strings.NewReplacer("/", "_", "=", "").Replace(tb.Name()) + ".cpu")
	}
	return p
}

// ask asks the server what it has used, after it did what the question says.
func (p *process) ask(question string) (u usage) {
	p.tb.Helper()
	if _, err := fmt.Fprintln(p.in, question); err != nil {
		p.tb.Fatal(err)
	}
	if err := p.out.Decode(&u); err != nil {
		p.tb.Fatal(err)
	}
	return u
}
