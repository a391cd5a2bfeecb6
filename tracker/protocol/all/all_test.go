package all

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestRegistry(t *testing.T) {
	list, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	if names := Names(); !slices.IsSorted(names) || len(names) != len(list) {
		t.Errorf("names %v are not in order", names)
	}
	for _, p := range list {
		if q, ok := ByName(p.Name); !ok || q.Port != p.Port {
			t.Errorf("%s is not found by its name", p.Name)
		}
		if (p.New == nil) != (p.Signature == nil) {
			t.Errorf("%s: a signature belongs to every protocol over TCP and UDP", p.Name)
		}
		if (p.Encode == nil) != (len(p.Commands) == 0) {
			t.Errorf("%s: commands %v do not fit its encoder", p.Name, p.Commands)
		}
	}
	if _, ok := ByName("nonesuch"); ok {
		t.Error("found a protocol that does not exist")
	}
}

func TestConflictsNameBoth(t *testing.T) {
	tcp := func(protocol.Transport) protocol.Codec { return nil }
	web := func(*protocol.Request, time.Time) (data.Packet, error) { return data.Packet{}, nil }
	a := protocol.Protocol{Name: "aaa", Port: 1001, Transports: protocol.TCP, New: tcp}
	for _, c := range []struct {
		second protocol.Protocol
		want   []string
	}{
		{protocol.Protocol{Name: "bbb", Port: 1001, Transports: protocol.UDP, New: tcp}, []string{"aaa", "bbb", "1001"}},
		{protocol.Protocol{Name: "aaa", Port: 1002, Transports: protocol.TCP, New: tcp}, []string{"aaa", "1001", "1002"}},
		{protocol.Protocol{Name: "ccc", Port: 0, Transports: protocol.TCP, New: tcp}, []string{"ccc", "port"}},
		{protocol.Protocol{Name: "ddd", Port: 1004, Transports: protocol.HTTP, New: tcp}, []string{"ddd", "transports"}},
		{protocol.Protocol{Name: "eee", Port: 1005, Transports: protocol.HTTP | protocol.TCP, New: tcp, HTTP: web}, []string{"eee"}},
	} {
		err := check([]protocol.Protocol{a, c.second})
		if err == nil {
			t.Fatalf("%s was taken", c.second.Name)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
	}
}
