package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// server is an SMTP server on loopback (RFC 5321) that keeps one mail.
type server struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	pool     *x509.CertPool
	// offers are the extensions besides STARTTLS.
	offers []string
	// refuse is the answer to RCPT, if any.
	refuse string
	got    chan received
}

type received struct {
	auth, from, to, body string
	secure               bool
}

func newServer(t *testing.T, implicit bool) *server {
	t.Helper()
	s := &server{t: t, offers: []string{"AUTH PLAIN LOGIN"}, got: make(chan received, 1)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.pool = x509.NewCertPool()
	s.pool.AddCert(cert)
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			if implicit {
				conn = tls.Server(conn, s.tls)
			}
			s.serve(conn, implicit)
		}
	}()
	t.Cleanup(func() { s.listener.Close(); <-done })
	return s
}

func (s *server) serve(conn net.Conn, secure bool) {
	defer func() { conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 loopback")
	m := received{secure: secure}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			say("250-loopback")
			for _, o := range s.offers {
				say("250-" + o)
			}
			if !m.secure {
				say("250-STARTTLS")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			t := tls.Server(conn, s.tls)
			conn, in, m.secure = t, bufio.NewReader(t), true
		case "AUTH":
			m.auth = line
			say("235 welcome")
		case "MAIL":
			m.from = line
			say("250 ok")
		case "RCPT":
			m.to = line
			if s.refuse != "" {
				say(s.refuse)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			for {
				text, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if text == ".\r\n" {
					break
				}
				m.body += strings.TrimPrefix(text, ".")
			}
			say("250 taken")
			s.got <- m
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *server) sender(security string) *Sender {
	s.t.Helper()
	c := Config{
		Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, Username: "waymark", Password: "p@ss word",
		From: "Waymark <waymark@example.org>", Security: security,
	}
	sender, err := New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	sender.tls.RootCAs = s.pool
	return sender
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestSend(t *testing.T) {
	for _, security := range []string{"starttls", "tls", "none"} {
		t.Run(security, func(t *testing.T) {
			s := newServer(t, security == "tls")
			err := s.sender(security).Send(testContext(t), Message{
				To: "ann@example.org", Subject: "Größe", Text: "Grüße\n.\nhttps://example.org/?a=" + strings.Repeat("x", 200) + "\n",
			})
			if err != nil {
				t.Fatal(err)
			}
			m := <-s.got
			if m.secure != (security != "none") {
				t.Errorf("secure: %v", m.secure)
			}
			credentials := base64.StdEncoding.EncodeToString([]byte("\x00waymark\x00p@ss word"))
			if !strings.Contains(m.auth, credentials) {
				t.Errorf("signed in with %q", m.auth)
			}
			if !strings.Contains(m.from, "<waymark@example.org>") || !strings.Contains(m.to, "<ann@example.org>") {
				t.Errorf("from %q to %q", m.from, m.to)
			}
			parsed, err := mail.ReadMessage(strings.NewReader(m.body))
			if err != nil {
				t.Fatalf("%v in %q", err, m.body)
			}
			for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "Subject": "=?UTF-8?q?Gr=C3=B6=C3=9Fe?="} {
				if have := parsed.Header.Get(name); have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
			if _, err := parsed.Header.Date(); err != nil || parsed.Header.Get("Message-Id") == "" {
				t.Errorf("date %v, id %q", err, parsed.Header.Get("Message-Id"))
			}
		})
	}
}

// A mail that is sent twice can have the same Message-ID, so that mailboxes
// know it; others have each their own.
func TestMessageID(t *testing.T) {
	s := newServer(t, false)
	ids := func(id string) string {
		t.Helper()
		if err := s.sender("none").Send(testContext(t), Message{To: "ann@example.org", Subject: "s", Text: "t", ID: id}); err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader((<-s.got).body))
		if err != nil {
			t.Fatal(err)
		}
		return m.Header.Get("Message-Id")
	}
	if a, b := ids("e1.n2.u3.mail.5f"), ids("e1.n2.u3.mail.5f"); a != b || a != "<e1.n2.u3.mail.5f@example.org>" {
		t.Errorf("given: %s and %s", a, b)
	}
	if a, b := ids(""), ids(""); a == b {
		t.Errorf("two mails have the id %s", a)
	}
}

func TestSendFails(t *testing.T) {
	m := Message{To: "ann@example.org", Subject: "s", Text: "t"}
	s := newServer(t, false)
	stranger := s.sender("starttls")
	stranger.tls.RootCAs = x509.NewCertPool()
	if err := stranger.Send(testContext(t), m); !errors.Is(err, data.ErrUnavailable) {
		t.Errorf("a certificate nobody knows: %v", err)
	}
	s.refuse = "550 no such person"
	if err := s.sender("starttls").Send(testContext(t), m); !errors.Is(err, data.ErrUnavailable) || !strings.Contains(err.Error(), "no such person") {
		t.Errorf("refused: %v", err)
	}
	bad := m
	bad.To = "ann@example.org\r\nBcc: eve@example.org"
	if err := s.sender("starttls").Send(testContext(t), bad); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("two lines: %v", err)
	}
	// A server that accepts and says nothing does not hold us longer than asked.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	mute := s.sender("starttls")
	mute.config.Port = silent.Addr().(*net.TCPAddr).Port
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := mute.Send(ctx, m); !errors.Is(err, data.ErrUnavailable) || time.Since(began) > dialTimeout {
		t.Errorf("silent: %v after %v", err, time.Since(began))
	}
}

func TestConfig(t *testing.T) {
	if s, err := New(DefaultConfig()); s != nil || err != nil {
		t.Errorf("off: %v, %v", s, err)
	}
	good := Config{Host: "h", From: "a@example.org", Security: "tls"}
	if s, err := New(good); err != nil || s.config.Port != 465 {
		t.Errorf("usual port: %+v, %v", s, err)
	}
	for what, change := range map[string]func(*Config){
		"security": func(c *Config) { c.Security = "ssl" },
		"port":     func(c *Config) { c.Port = 70000 },
		"from":     func(c *Config) { c.From = "nobody" },
		"username": func(c *Config) { c.Username = "x" },
	} {
		c := good
		change(&c)
		if err := c.Validate(); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
