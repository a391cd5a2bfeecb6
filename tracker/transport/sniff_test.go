package transport

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// echo answers every byte and keeps what it received.
type echo struct {
	mu  sync.Mutex
	got []byte
}

func (e *echo) Open(protocol.Transport, net.Addr, Writer) Session { return e }
func (e *echo) Request(context.Context, *protocol.Request, string) (int, []byte) {
	return 404, nil
}

func (e *echo) Receive(_ context.Context, buf []byte) (int, []byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, buf...)
	return len(buf), bytes.ToUpper(buf), nil
}
func (e *echo) Answered() {}
func (e *echo) Close()    {}

// letters knows connections by the first letter that is not x: a goes to a
// session, h is handed over, everything else is dropped.
type letters struct {
	session *echo
	handed  *Handed
	count   *tally
	lasts   atomic.Int64
}

func (l *letters) Sniff(first []byte, _ net.Addr, last, _ bool) Route {
	if last {
		l.lasts.Add(1)
	}
	switch rest := strings.TrimLeft(string(first), "x"); {
	case rest == "":
		return Route{Wait: true}
	case rest[0] == 'a':
		return Route{Handler: l.session, Limits: DefaultLimits, Counter: l.count}
	case rest[0] == 'h':
		return Route{Handed: l.handed}
	}
	return Route{}
}

type tally struct{ open, refused, in, out atomic.Int64 }

func (t *tally) Connected(d int) { t.open.Add(int64(d)) }
func (t *tally) Refused()        { t.refused.Add(1) }
func (t *tally) Bytes(in, out int) {
	t.in.Add(int64(in))
	t.out.Add(int64(out))
}

// booth is a listener for any protocol in a bubble of its own time.
type booth struct {
	*letters
	pool  *Pool
	front *Handed
	any   *tally
}

func inBooth(t *testing.T, f func(b *booth)) {
	synctest.Test(t, func(t *testing.T) {
		addr := &net.TCPAddr{}
		b := &booth{letters: &letters{session: &echo{}, handed: NewHanded(addr), count: &tally{}}, pool: &Pool{}, front: NewHanded(addr), any: &tally{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- ServeSniffed(ctx, b.front, b.letters, DefaultLimits, b.pool, b.any, slog.New(slog.DiscardHandler))
		}()
		f(b)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		b.handed.Close()
		if open, any := b.pool.open.Load(), b.any.open.Load(); open != 0 || any != 0 || b.count.open.Load() != 0 {
			t.Errorf("%d places are taken, %d and %d connections are counted, when all is over", open, any, b.count.open.Load())
		}
	})
}

func (b *booth) dial() net.Conn {
	near, far := net.Pipe()
	b.front.hand(far)
	return near
}

// closed tells whether the other side has closed a connection.
func closed(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return err == io.EOF
}

func TestSniffedBytesReachTheSession(t *testing.T) {
	inBooth(t, func(b *booth) {
		c := b.dial()
		defer c.Close()
		for _, s := range []string{"x", "xx", "ab"} {
			io.WriteString(c, s)
			synctest.Wait()
		}
		answer := make([]byte, 5)
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "XXXAB" {
			t.Fatalf("answer %q, %v", answer, err)
		}
		go io.WriteString(c, "c")
		if _, err := io.ReadFull(c, answer[:1]); err != nil || string(b.session.got) != "xxxabc" {
			t.Errorf("the session received %q, %v", b.session.got, err)
		}
		if b.count.open.Load() != 1 || b.any.open.Load() != 0 || b.pool.open.Load() != 1 {
			t.Errorf("counted %d and %d, %d places", b.count.open.Load(), b.any.open.Load(), b.pool.open.Load())
		}
	})
}

func TestSniffingEnds(t *testing.T) {
	for name, c := range map[string]struct {
		send  string
		after time.Duration // when it is closed
	}{
		"undecided":      {"x", SniffWait},
		"not known":      {"z", 0},
		"silent":         {"", DefaultLimits.Greeting},
		"much undecided": {strings.Repeat("x", maxSniff), 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBooth(t, func(b *booth) {
				conn := b.dial()
				defer conn.Close()
				if c.send != "" {
					io.WriteString(conn, c.send)
				}
				synctest.Wait()
				if c.after > 0 {
					time.Sleep(c.after - time.Second)
					if closed(conn) {
						t.Error("closed too early")
					}
					time.Sleep(time.Second)
				}
				synctest.Wait()
				if !closed(conn) {
					t.Error("still open")
				}
			})
		})
	}
}

func TestSniffingLooksSeldom(t *testing.T) {
	inBooth(t, func(b *booth) {
		c := b.dial()
		defer c.Close()
		sent := 0
		for ; sent < 2*maxLooks; sent++ {
			c.SetWriteDeadline(time.Now().Add(time.Millisecond))
			if _, err := io.WriteString(c, "x"); err != nil {
				break
			}
			synctest.Wait()
		}
		if sent != maxLooks || b.lasts.Load() != 1 {
			t.Errorf("closed after %d looks, %d last ones", sent, b.lasts.Load())
		}
	})
}

func TestHandedConnectionIsWhole(t *testing.T) {
	inBooth(t, func(b *booth) {
		c := b.dial()
		defer c.Close()
		io.WriteString(c, "xhello")
		taken, err := b.handed.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		go io.WriteString(c, " you")
		got := make([]byte, len("xhello you"))
		if _, err := io.ReadFull(taken, got); err != nil || string(got) != "xhello you" {
			t.Errorf("%q, %v", got, err)
		}
		synctest.Wait()
		if b.pool.open.Load() != 0 {
			t.Error("its place is not free")
		}
	})
}

func TestHandedIsBounded(t *testing.T) {
	inBooth(t, func(b *booth) {
		var all []net.Conn
		for range handedQueue + 5 {
			c := b.dial()
			io.WriteString(c, "h")
			all = append(all, c)
		}
		synctest.Wait()
		b.handed.Close() // and those that wait are closed
		synctest.Wait()
		for i, c := range all {
			if !closed(c) {
				t.Errorf("connection %d is open", i)
			}
			c.Close()
		}
		if _, err := b.handed.Accept(); err != net.ErrClosed {
			t.Error(err)
		}
		c := b.dial()
		defer c.Close()
		io.WriteString(c, "h")
		synctest.Wait()
		if !closed(c) {
			t.Error("taken by a closed listener")
		}
	})
}
