package bus

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// nodeVariable makes this test program a NATS server that can be killed.
const nodeVariable = "WAYMARK_TEST_NATS_NODE"

// node is the options of such a server.
type node struct {
	Name, Dir         string
	Port, ClusterPort int
	Routes            []string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeVariable); text != "" {
		fmt.Fprintln(os.Stderr, runNode(text))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runNode serves until the process is killed, or its parent closes the pipe.
func runNode(text string) error {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return err
	}
	o := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: n.Dir,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: n.ClusterPort},
	}
	for _, r := range n.Routes {
		u, err := url.Parse(r)
		if err != nil {
			return err
		}
		o.Routes = append(o.Routes, u)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	_, err = os.Stdin.Read(make([]byte, 1)) // the test is over
	return err
}

// startNode runs a server of the cluster in a process of its own.
func (c *cluster) startNode(i int) (kill func()) {
	c.t.Helper()
	o := c.options[i]
	n := node{Name: o.ServerName, Dir: o.StoreDir, Port: o.Port, ClusterPort: o.Cluster.Port}
	for _, r := range o.Routes {
		n.Routes = append(n.Routes, r.String())
	}
	text, err := json.Marshal(n)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeVariable+"="+string(text))
	cmd.Stderr = c.t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
			stdin.Close()
		}
	}
	c.t.Cleanup(kill)
	return kill
}

// TestKilledServers kills servers without a word: an election takes longer
// than a lease.
func TestKilledServers(t *testing.T) {
	c := newCluster(t)
	var kill [3]func()
	for i := range kill {
		kill[i] = c.startNode(i)
	}
	var sender *Bus
	eventually(t, "the cluster", func() bool {
		b, err := Open(t.Context(), c.config(), "", slog.New(slog.DiscardHandler))
		sender = b
		return err == nil
	})
	t.Cleanup(sender.Close)
	s := newShared()
	startTracker(t, open(t, c.config(), ""), s)
	startTracker(t, open(t, c.config(), ""), s)
	f := startFleet(t, sender)
	f.flows(500)

	leader := func(stream string) int {
		var name string
		eventually(t, "a leader", func() bool {
			st, err := sender.js.Stream(t.Context(), stream)
			if err == nil && st.CachedInfo().Cluster != nil {
				name = st.CachedInfo().Cluster.Leader
			}
			return name != ""
		})
		return int(name[1] - '0')
	}
	for _, stream := range []string{streamName, "KV_" + leaseBucket} {
		began := time.Now()
		i := leader(stream)
		kill[i]()
		f.flows(500)
		stored := s.total()
		eventually(t, "positions to be stored again", func() bool { return s.total() > stored+500 })
		t.Logf("the leader of %s was killed; accepted and stored again after %v", stream, time.Since(began).Round(time.Millisecond))
		kill[i] = c.startNode(i)
		eventually(t, "the server to catch up", func() bool {
			st, err := sender.js.Stream(t.Context(), stream)
			return err == nil && caughtUp(st.CachedInfo())
		})
	}
	for i := range kill {
		kill[i]()
	}
	for i := range kill {
		kill[i] = c.startNode(i)
	}
	began := time.Now()
	f.flows(500)
	t.Logf("all were killed and started; accepted again after %v", time.Since(began).Round(time.Millisecond))
	f.settled(s)
}

func caughtUp(info *jetstream.StreamInfo) bool {
	if info.Cluster == nil || info.Cluster.Leader == "" || len(info.Cluster.Replicas) != copies-1 {
		return false
	}
	for _, r := range info.Cluster.Replicas {
		if !r.Current || r.Offline || strings.Contains(r.Name, "unknown") {
			return false
		}
	}
	return true
}

// total is how many positions are stored.
func (s *shared) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seconds := range s.known {
		n += len(seconds)
	}
	return n
}
