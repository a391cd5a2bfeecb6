package service

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/web-server/api"
)

const acmeDomain = "track.example.org"

// authority is an ACME authority (RFC 8555) for one domain. It checks that the
// domain is ours by one kind of challenge before it signs.
type authority struct {
	t *testing.T
	*httptest.Server
	root    *x509.Certificate
	rootKey crypto.Signer
	// kind is the challenge, check does it.
	kind  string
	check func() error

	mu     sync.Mutex
	valid  bool
	serial int64
	cert   []byte // PEM
	// left is how long the next certificate is still valid; those after it have
	// all their life.
	left time.Duration
}

const certificateLife = 90 * 24 * time.Hour

func newAuthority(t *testing.T, kind string) *authority {
	t.Helper()
	a := &authority{t: t, kind: kind, left: certificateLife}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a private authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-certificateLife), NotAfter: time.Now().Add(certificateLife), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.rootKey = key
	a.Server = httptest.NewTLSServer(a)
	t.Cleanup(a.Server.Close)
	return a
}

// ServeHTTP answers the few requests of which getting a certificate is made.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", rand.Text())
	w.Header().Set("Location", a.URL+"/order")
	say := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v)
	}
	status := map[bool]string{true: "valid", false: "pending"}
	challenge := map[string]any{"type": a.kind, "url": a.URL + "/challenge", "token": "a-token", "status": status[a.valid]}
	order := map[string]any{"status": "pending", "authorizations": []string{a.URL + "/authz"}, "finalize": a.URL + "/finalize"}
	switch {
	case a.valid && a.cert != nil:
		order["status"], order["certificate"] = "valid", a.URL+"/cert"
	case a.valid:
		order["status"] = "ready"
	}
	switch r.URL.Path {
	case "/directory":
		say(200, map[string]any{"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account", "newOrder": a.URL + "/new-order"})
	case "/nonce":
	case "/account":
		w.Header().Set("Location", a.URL+"/account/1")
		say(201, map[string]any{"status": "valid"})
	case "/account/1":
		say(200, map[string]any{"status": "valid"})
	case "/new-order":
		a.valid, a.cert = false, nil
		order["status"] = "pending"
		delete(order, "certificate")
		say(201, order)
	case "/order":
		say(200, order)
	case "/authz":
		say(200, map[string]any{
			"status": status[a.valid], "identifier": map[string]string{"type": "dns", "value": acmeDomain}, "challenges": []any{challenge},
		})
	case "/challenge":
		if err := a.check(); err != nil {
			a.t.Errorf("the challenge: %v", err)
			say(403, map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "detail": err.Error()})
			return
		}
		a.valid = true
		challenge["status"] = "valid"
		say(200, challenge)
	case "/finalize":
		if err := a.sign(r.Body); err != nil {
			a.t.Errorf("sign: %v", err)
			say(400, map[string]any{"type": "urn:ietf:params:acme:error:badCSR", "detail": err.Error()})
			return
		}
		order["status"], order["certificate"] = "valid", a.URL+"/cert"
		say(200, order)
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(a.cert)
	default:
		http.NotFound(w, r)
	}
}

// sign makes a certificate of the request in a signed message.
func (a *authority) sign(body io.Reader) error {
	var message struct{ Payload string }
	if err := json.NewDecoder(body).Decode(&message); err != nil {
		return err
	}
	payload, err := base64.RawURLEncoding.DecodeString(message.Payload)
	if err != nil {
		return err
	}
	var in struct{ CSR string }
	if err := json.Unmarshal(payload, &in); err != nil {
		return err
	}
	der, err := base64.RawURLEncoding.DecodeString(in.CSR)
	if err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	if len(csr.DNSNames) != 1 || csr.DNSNames[0] != acmeDomain {
		return fmt.Errorf("it is for %v", csr.DNSNames)
	}
	a.serial++
	end := time.Now().Add(a.left)
	a.left = certificateLife
	template := &x509.Certificate{
		SerialNumber: big.NewInt(100 + a.serial), DNSNames: csr.DNSNames, NotBefore: end.Add(-certificateLife), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, a.root, csr.PublicKey, a.rootKey)
	if err != nil {
		return err
	}
	a.cert = bytes.Join([][]byte{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}),
	}, nil)
	return nil
}

// config is that of a server that gets its certificate there.
func (a *authority) config() api.Config {
	a.t.Helper()
	c := api.DefaultConfig()
	c.Listen = "127.0.0.1:0"
	roots := filepath.Join(a.t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	c.TLS = api.TLSConfig{ACMEDomains: []string{acmeDomain}, ACMEDirectory: a.URL + "/directory", ACMERoots: roots}
	return c
}

// byTLS checks tls-alpn-01 (RFC 8737): who answers with that protocol shows a
// certificate of the domain with the answer in it.
func byTLS(addr func() net.Addr) func() error {
	return func() error {
		conn, err := tls.Dial("tcp", addr().String(), &tls.Config{ServerName: acmeDomain, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}) //nolint:gosec // the answer is not signed by anybody
		if err != nil {
			return err
		}
		defer conn.Close()
		state := conn.ConnectionState()
		if state.NegotiatedProtocol != "acme-tls/1" || state.PeerCertificates[0].VerifyHostname(acmeDomain) != nil {
			return fmt.Errorf("%s of %v", state.NegotiatedProtocol, state.PeerCertificates[0].DNSNames)
		}
		return nil
	}
}

// byHTTP checks http-01: the answer is at a known address of the domain.
func byHTTP(addr func() net.Addr) func() error {
	return func() error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+addr().String()+"/.well-known/acme-challenge/a-token", nil)
		if err != nil {
			return err
		}
		req.Host = acmeDomain
		c := &http.Client{Timeout: time.Minute}
		defer c.CloseIdleConnections()
		res, err := c.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || !strings.HasPrefix(string(b), "a-token.") {
			return fmt.Errorf("%d %.80q, %w", res.StatusCode, b, err)
		}
		return nil
	}
}

// shown is the serial number of the certificate that a browser is shown.
func (a *authority) shown(addr net.Addr) (serial int64, err error) {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: &tls.Config{ServerName: acmeDomain, RootCAs: pool}}
	conn, err := d.DialContext(context.Background(), "tcp", addr.String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

// A certificate is got from a private authority when the first browser comes,
// kept on disk, and renewed before it ends.
func TestACME(t *testing.T) {
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			a := newAuthority(t, kind)
			a.left = 10 * 24 * time.Hour // a third of its life is left: time for another one
			cfg, dir := a.config(), t.TempDir()
			if kind == "http-01" {
				cfg.TLS.RedirectListen = "127.0.0.1:0"
			}
			p, err := openPorts(cfg, dir, noLog)
			if err != nil {
				t.Fatal(err)
			}
			a.check = byTLS(p.web.Addr)
			if kind == "http-01" {
				a.check = byHTTP(p.plain.Addr)
			}
			serve(t, p)
			if serial, err := a.shown(p.web.Addr()); err != nil || serial != 101 {
				t.Fatalf("the first certificate: %d, %v", serial, err)
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
				serial, err := a.shown(p.web.Addr())
				if err != nil {
					t.Fatal(err)
				}
				if serial == 102 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("not renewed: %d", serial)
				}
			}
			// Another start finds it on disk and asks nobody.
			a.Server.Close()
			again, err := openPorts(cfg, dir, noLog)
			if err != nil {
				t.Fatal(err)
			}
			serve(t, again)
			if serial, err := a.shown(again.web.Addr()); err != nil || serial != 102 {
				t.Errorf("after a restart: %d, %v", serial, err)
			}
			checkPrivate(t, filepath.Join(dir, "acme"))
		})
	}
}

// checkPrivate checks that nobody else can read what is in a folder.
func checkPrivate(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d files kept, %v", len(list), err)
	}
	for _, f := range list {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestACMERootsFail(t *testing.T) {
	cfg := api.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	empty := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + "-missing"} {
		cfg.TLS = api.TLSConfig{ACMEDomains: []string{acmeDomain}, ACMERoots: file}
		if _, err := openPorts(cfg, t.TempDir(), noLog); err == nil || !strings.Contains(err.Error(), "acme-roots") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
