package service

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/web-server/api"
)

var noLog = slog.New(slog.DiscardHandler)

// writeCertificate makes the files of a certificate of this machine and returns
// what it is checked with.
func writeCertificate(t *testing.T, dir string, serial int64) (c api.TLSConfig, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c.CertFile, c.KeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(os.WriteFile(c.CertFile, certPEM, 0o600),
		os.WriteFile(c.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return c, pool
}

// serve serves the ports with a page that says how it was reached.
func serve(t *testing.T, p *ports) {
	t.Helper()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s tls=%v", r.Proto, r.TLS != nil)
	})}
	ctx, cancel := context.WithCancel(context.Background())
	web, plain := make(chan error, 1), make(chan error, 1)
	go func() { web <- srv.Serve(p.web) }()
	go func() { plain <- p.redirect(ctx) }()
	t.Cleanup(func() {
		cancel()
		srv.Close()
		if err := <-web; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if err := <-plain; err != nil {
			t.Error(err)
		}
	})
}

func get(t *testing.T, c *http.Client, address string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestTLS(t *testing.T) {
	cfg := api.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	var pool *x509.CertPool
	cfg.TLS, pool = writeCertificate(t, t.TempDir(), 1)
	cfg.TLS.RedirectListen = "127.0.0.1:0"
	p, err := openPorts(cfg, t.TempDir(), noLog)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, p)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	c := &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if _, body := get(t, c, "https://"+p.web.Addr().String()); body != "HTTP/2.0 tls=true" {
		t.Errorf("page: %s", body)
	}
	res, _ := get(t, c, "http://"+p.plain.Addr().String()+"/a?b=c")
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusMovedPermanently || to != "https://127.0.0.1/a?b=c" {
		t.Errorf("redirect: %d to %s", res.StatusCode, to)
	}
}

// A certificate that another program renews is taken without a restart, and one
// that it breaks is not.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	c, _ := writeCertificate(t, dir, 1)
	now := time.Now()
	files := &certificate{certFile: c.CertFile, keyFile: c.KeyFile, now: func() time.Time { return now }, log: noLog}
	if err := files.read(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		got, err := files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	writeCertificate(t, dir, 2)
	later := time.Now().Add(time.Hour)
	if err := errors.Join(os.Chtimes(c.CertFile, later, later), os.Chtimes(c.KeyFile, later, later)); err != nil {
		t.Fatal(err)
	}
	if serial() != 1 {
		t.Error("looked at with every connection")
	}
	now = now.Add(certificateAge)
	if serial() != 2 {
		t.Error("not read again")
	}
	if err := os.WriteFile(c.KeyFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateAge)
	if serial() != 2 {
		t.Error("a broken one is taken")
	}
}

func TestPortsFail(t *testing.T) {
	cfg := api.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	cfg.TLS.CertFile, cfg.TLS.KeyFile = "missing.pem", "missing.pem"
	if _, err := openPorts(cfg, t.TempDir(), noLog); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no certificate: %v", err)
	}
}

// More connections than allowed wait until one is closed.
func TestConnectionBound(t *testing.T) {
	cfg := api.DefaultConfig()
	cfg.Listen, cfg.MaxConnections = "127.0.0.1:0", 1
	p, err := openPorts(cfg, t.TempDir(), noLog)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, p)
	first, err := net.Dial("tcp", p.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	fmt.Fprint(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", p.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	fmt.Fprint(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = second.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("served at once: %v", err)
	}
	first.Close()
	_ = second.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := second.Read(make([]byte, 1)); err != nil {
		t.Errorf("never served: %v", err)
	}
}
