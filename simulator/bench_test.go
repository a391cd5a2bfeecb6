package simulator

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// The benchmarks of connections: what a position costs between the socket of a
// device and the bus, without the bus and the disk. The tracker runs in a
// process of its own (this test binary again), so that its CPU time and memory
// can be told from those of the devices:
//
//	go test ./simulator -run '^$' -bench . -benchtime 1x
//
// WAYMARK_BENCH_PROFILE=folder writes profiles of the tracker there, and
// WAYMARK_BENCH_CONNECTIONS sets how many connections lie idle.

// benchmarkLoad runs a load for as long as the benchmark wants, and says what a
// position costs the server and the client.
func benchmarkLoad(b *testing.B, mode string, l Load) {
	p := startProcess(b, mode)
	l.Addr = p.addresses[l.Protocol]
	crowd, err := l.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer crowd.Close()
	crowd.SetDuration(200 * time.Millisecond)
	if _, err := crowd.Run(b.Context()); err != nil { // warm up
		b.Fatal(err)
	}
	const duration = 5 * time.Second
	crowd.SetDuration(duration)
	for b.Loop() {
		server, client := p.ask("usage").CPU, used().CPU
		r, err := crowd.Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		server, client = p.ask("usage").CPU-server, used().CPU-client
		frames := float64(r.Acknowledged)
		b.ReportMetric(frames/server.Seconds(), "positions/server-s")
		b.ReportMetric(float64(client.Nanoseconds())/1000/frames, "client-µs/position")
		b.ReportMetric(float64(server.Nanoseconds())/1000/frames, "server-µs/position")
		b.ReportMetric(r.PerSecond(), "positions/s")
		b.ReportMetric(float64(r.Answers.P50.Microseconds()), "p50-µs")
		b.ReportMetric(float64(r.Answers.P99.Microseconds()), "p99-µs")
	}
}

// BenchmarkClient is what the client itself costs, with a server that only
// acknowledges.
func BenchmarkClient(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			benchmarkLoad(b, "echo", Load{Protocol: "gt06", Devices: 200, Batch: batch})
		})
	}
}

// BenchmarkPingPong is one frame at a time from each of many devices.
func BenchmarkPingPong(b *testing.B) {
	for _, name := range []string{"gt06", "teltonika"} {
		b.Run(name, func(b *testing.B) { benchmarkLoad(b, "tracker", Load{Protocol: name, Devices: 1000}) })
	}
}

// BenchmarkBurst is what devices send that have kept their positions.
func BenchmarkBurst(b *testing.B) {
	for _, name := range []string{"gt06", "teltonika"} {
		b.Run(name, func(b *testing.B) { benchmarkLoad(b, "tracker", Load{Protocol: name, Devices: 50, Batch: 50}) })
	}
}

// BenchmarkOpenLoop is a steady rate below what the server can do.
func BenchmarkOpenLoop(b *testing.B) {
	benchmarkLoad(b, "tracker", Load{Protocol: "gt06", Devices: 1000, Rate: 5000})
}

// BenchmarkReconnect is a crowd that comes back as one.
func BenchmarkReconnect(b *testing.B) {
	p := startProcess(b, "tracker")
	l := Load{Protocol: "gt06", Addr: p.addresses["gt06"], Devices: connections(b, 9_000)}
	for b.Loop() {
		server := p.ask("usage").CPU
		crowd, err := l.Connect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		crowd.Close()
		b.ReportMetric(float64(crowd.Connected().Milliseconds())*10_000/float64(l.Devices), "ms/10000-devices")
		b.ReportMetric(float64((p.ask("usage").CPU-server).Microseconds())/float64(l.Devices), "server-µs/device")
	}
}

// connections is how many the limit of open files leaves room for.
func connections(b *testing.B, want int) int {
	if n := os.Getenv("WAYMARK_BENCH_CONNECTIONS"); n != "" {
		if _, err := fmt.Sscan(n, &want); err != nil {
			b.Fatal(err)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	return min(want, int(limit.Cur)-200)
}

// BenchmarkIdle is the memory of connections that have logged in, sent a
// position and now say nothing.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		p := startProcess(b, "tracker")
		before := p.ask("settle")
		l := Load{Protocol: "gt06", Addr: p.addresses["gt06"], Devices: connections(b, 15_000), Duration: time.Nanosecond}
		crowd, err := l.Connect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := crowd.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		after := p.ask("settle")
		if folder := os.Getenv("WAYMARK_BENCH_PROFILE"); folder != "" {
			p.ask("heap " + folder + "/idle.heap")
		}
		n := float64(l.Devices)
		b.ReportMetric(n, "connections")
		b.ReportMetric(float64(after.RSS-before.RSS)/n, "B/connection")
		b.ReportMetric(float64(after.Heap-before.Heap)/n, "heap-B/connection")
		b.ReportMetric(float64(after.Stack-before.Stack)/n, "stack-B/connection")
		b.ReportMetric(float64(1<<30)/(float64(after.RSS-before.RSS)/n), "connections/GiB")
		crowd.Close()
	}
}
