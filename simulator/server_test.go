package simulator

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
)

// server takes what devices send, with the codecs of the tracker.
type server struct {
	t        *testing.T
	protocol protocol.Protocol
	address  string
	// hangUpAfter closes a connection after so many positions; 0 never.
	hangUpAfter int
	// refuse says which devices are strangers.
	refuse func(id string) bool
	// command is sent before each answer to a position.
	command []byte
	// silent is how many answers to positions are left out, of each connection.
	silent int
	// rough says that devices send garbage, too.
	rough bool

	mu        sync.Mutex
	positions map[string][]data.Position
	// again says that a position came again, by another connection.
	again   bool
	results [][]data.Position
	arrived chan struct{} // one for each position, if there is room
}

func startServer(t *testing.T, name string, set func(*server)) *server {
	t.Helper()
	p, ok := all.ByName(name)
	if !ok {
		t.Fatalf("no protocol %s", name)
	}
	s := &server{t: t, protocol: p, positions: map[string][]data.Position{}, arrived: make(chan struct{}, 10_000)}
	if set != nil {
		set(s)
	}
	if p.HTTP != nil {
		h := httptest.NewServer(s)
		t.Cleanup(h.Close)
		s.address = h.Listener.Addr().String()
		return s
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	s.address = listener.Addr().String()
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { s.serve(conn) })
		}
	})
	return s
}

func (s *server) take(id string, positions, earlier []data.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range positions {
		if p.Outdated {
			s.results = append(s.results, []data.Position{p})
			continue
		}
		if slices.ContainsFunc(earlier, func(e data.Position) bool {
			return e.Latitude == p.Latitude && e.Longitude == p.Longitude && stamped(e).Equal(stamped(p))
		}) {
			s.again = true
		}
		s.positions[id] = append(s.positions[id], p)
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	}
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	codec := s.protocol.New(protocol.TCP)
	var pending []byte
	var id string
	var earlier []data.Position // of the device, by other connections
	count := 0
	buffer := make([]byte, 4096)
	for {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		pending = append(pending, buffer[:n]...)
		for {
			frame, n, err := codec.Next(pending)
			if err != nil {
				if !s.rough {
					s.t.Errorf("a device sent %x: %v", pending, err)
				}
				return
			}
			if n == 0 {
				break
			}
			if frame == nil {
				pending = pending[n:]
				continue
			}
			packet, err := codec.Decode(frame, time.Now().UTC())
			pending = pending[n:]
			if err != nil && s.rough {
				continue
			}
			if err != nil {
				s.t.Errorf("a device sent %x: %v", frame, err)
				return
			}
			if packet.Identity != "" && packet.Identity != id {
				id = packet.Identity
				s.mu.Lock()
				earlier = slices.Clone(s.positions[id])
				s.mu.Unlock()
				if s.refuse != nil && s.refuse(id) {
					conn.Write(packet.Refusal)
					return
				}
			}
			s.take(id, packet.Positions, earlier)
			if len(packet.Positions) > 0 {
				if count++; s.hangUpAfter > 0 && count > s.hangUpAfter {
					return
				}
				conn.Write(s.command)
				if count <= s.silent {
					continue
				}
			}
			conn.Write(packet.Reply)
		}
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	packet, err := s.protocol.HTTP(&protocol.Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"),
		Header: r.Header.Get, Body: body,
	}, time.Now().UTC())
	if err != nil {
		if !s.rough {
			s.t.Errorf("a device asked for %s: %v", r.URL, err)
		}
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if s.refuse != nil && s.refuse(packet.Identity) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.take(packet.Identity, packet.Positions, nil)
}
