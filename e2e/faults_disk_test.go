//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/simulator"
)

// smallDisk is a folder on a disk of its own.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("FULL DISK NOT TESTED: a small disk (tmpfs) can only be mounted by root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("FULL DISK NOT TESTED: a small disk (tmpfs) cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ballast fills a disk but for some room, in bytes.
func ballast(t *testing.T, dir string, room int64) (remove func()) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "ballast")
	if err := os.WriteFile(file, make([]byte, int64(disk.Bavail)*disk.Bsize-room), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull fills the disk of everything under load and makes room, several
// times in a long run.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, "size=160m")
	full, times := time.Duration(setting(t, outageVariable, 2))*time.Second, min(setting(t, roundsVariable, 1), 5)
	x := newTarget(t)
	process := x.serve(t, filepath.Join(disk, "data"))
	awaitReady(t, "http://"+x.web)
	c := x.admin(t)
	p := startPhones(t, x.phone(), 10)
	s := startStorm(t, x.devices())
	for range times {
		p.flows(t, 100)
		remove := ballast(t, disk, 256<<10)
		var names string
		eventually(t, "readiness to tell", func() bool {
			text, ok := x.failing()
			names = text
			return !ok && (strings.Contains(text, `"bus"`) || strings.Contains(text, `"store"`))
		})
		refused := p.failed.Load()
		eventually(t, "devices not to be acknowledged", func() bool { return p.failed.Load() > refused })
		for since := time.Now(); time.Since(since) < full; time.Sleep(100 * time.Millisecond) {
			memory(t, process) // it lives
		}
		remove()
		made := time.Now()
		eventually(t, "readiness", func() bool { _, ok := x.failing(); return ok })
		ready := time.Since(made)
		p.flows(t, 100)
		t.Logf("while the disk was full: %s; ready %v after there was room, positions acknowledged after %v",
			strings.TrimSpace(names), ready.Round(time.Millisecond), time.Since(made).Round(time.Millisecond))
	}
	_, peak := memory(t, process)
	p.stop()
	report := s.stop()
	v := s.verify(x.web)
	storedOnce(t, c, &p.ledger, p.begin)
	t.Logf("acknowledged %d and %d, lost %d, twice %d, sent again %d, refused %d; memory at most %d MiB",
		v.Acknowledged, p.count.Load(), v.Missing, v.Twice, report.Resent, p.failed.Load(), peak)
	if peak > maxMemory {
		t.Errorf("memory grew to %d MiB", peak)
	}
}

// strace is the program that makes disks slow.
func strace(t *testing.T) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("WAYMARK_REQUIRE_STRACE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("SLOW DISK NOT TESTED: strace, which makes one, is not there: %v", err)
	}
	if out, err := exec.Command(strace, "-f", "--seccomp-bpf", "-e", "trace=fsync", "true").CombinedOutput(); err != nil {
		t.Skipf("SLOW DISK NOT TESTED: strace does not work here: %v: %s", err, out)
	}
	return strace
}

// TestDiskHangs has the disk hang while devices wait for their answers: nobody
// is hung up on.
func TestDiskHangs(t *testing.T) {
	const hang = 12 * time.Second // less than the bus waits for its disk
	strace, x := strace(t), newTarget(t)
	process := x.serve(t, t.TempDir())
	awaitReady(t, "http://"+x.web)
	x.admin(t)
	load := simulator.Load{Protocol: "gt06", Addr: "127.0.0.1:" + x.ports["gt06"], Devices: 20, FirstDevice: fillFirst, Timeout: patience}
	crowd, err := load.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	hanging := exec.Command(strace, "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", hang.Microseconds()), "-p", strconv.Itoa(process.cmd.Process.Pid))
	said, err := hanging.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hanging.Start(); err != nil {
		t.Fatal(err)
	}
	defer hanging.Wait()
	defer hanging.Process.Signal(os.Interrupt)
	attached := bufio.NewScanner(said)
	if !attached.Scan() || !strings.Contains(attached.Text(), "attached") {
		t.Skipf("HANGING DISK NOT TESTED: strace may not attach to a process here: %s", attached.Text())
	}
	// Each sync hangs: strace ends after the first of them.
	stop := time.AfterFunc(hang+time.Second, func() { hanging.Process.Signal(os.Interrupt) })
	defer stop.Stop()
	crowd.SetDuration(hang)
	report, err := crowd.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Answers.Max < hang-time.Second {
		t.Errorf("the disk did not hang: answers took at most %v", report.Answers.Max)
	}
	t.Logf("%d reports were acknowledged, the slowest after %v", report.Acknowledged, report.Answers.Max)
}

// TestDiskSlow runs everything on a disk that takes 50 ms longer to sync:
// positions share the syncs.
func TestDiskSlow(t *testing.T) {
	strace := strace(t)
	x := newTarget(t)
	// -D: the server is the process that is started, and strace hangs on to it.
	args := []string{"-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=50000"}
	args = append(args, waymark(t), "serve", "--data-dir", t.TempDir(), "--web.listen", x.web)
	process := start(t, strace, append(args, x.trackerArgs()...)...)
	awaitReady(t, "http://"+x.web)
	x.admin(t)
	cfg := x.devices()
	cfg.Devices, cfg.Interval = 30, 100*time.Millisecond // each is registered by a sync of its own
	s := startStorm(t, cfg)
	load := simulator.Load{Protocol: "gt06", Addr: "127.0.0.1:" + x.ports["gt06"], Devices: 60, FirstDevice: fillFirst, Duration: 5 * time.Second}
	crowd, err := load.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	began, durable, batches := time.Now(), x.durable(), x.counter("waymark_tracker_batches_total", "")
	report, err := crowd.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := x.durable() - durable
	rate, group := made/time.Since(began).Seconds(), made/(x.counter("waymark_tracker_batches_total", "")-batches)
	_, peak := memory(t, process)
	s.stop()
	v := s.verify(x.web)
	t.Logf("%.0f positions/s, %.0f of them from 60 devices that wait for each answer (p50 %v, p99 %v), %.0f positions share a sync",
		rate, report.PerSecond(), report.Answers.P50, report.Answers.P99, group)
	t.Logf("acknowledged %d, lost %d, twice %d; memory at most %d MiB", v.Acknowledged, v.Missing, v.Twice, peak)
	switch {
	case report.Answers.P50 < 50*time.Millisecond:
		t.Error("answers are quicker than the disk")
	case group < 10:
		t.Errorf("%.1f positions share a sync, want 10", group)
	case peak > maxMemory:
		t.Errorf("memory grew to %d MiB", peak)
	}
}
