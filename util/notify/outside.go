package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// dialTimeout bounds a connection, maxAnswer what is read of an answer, in
	// bytes, maxURL an address that a person gives.
	dialTimeout = 10 * time.Second
	maxAnswer   = 64 << 10
	maxURL      = 1000
	// maxPause bounds how long an answer may put us off.
	maxPause = time.Hour
)

// outside is how addresses that people give are reached: never ones in networks
// that the person has no business in. What a name stands for is looked at when
// it is dialled, so that a name cannot change in between; no proxy is asked, and
// no redirect followed.
type outside struct {
	allowed []netip.Prefix
	// guarded is for everybody, open for administrators.
	guarded, open *http.Client
}

func newOutside(allowed []netip.Prefix) *outside {
	o := &outside{allowed: allowed}
	o.guarded, o.open = o.client(o.allows), o.client(func(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() })
	return o
}

func (o *outside) client(allows func(netip.Addr) bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer(allows).DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: sendTimeout,
			MaxIdleConns: 64, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       sendTimeout,
	}
}

// dialer dials those addresses only that are allowed.
func dialer(allows func(netip.Addr) bool) *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !allows(to.Addr().WithZone("").Unmap()) {
			return errForbidden
		}
		return nil
	}}
}

var errForbidden = final("the address lies in a private network; an administrator can allow the network with notify.private-networks")

// special are networks that are not private and yet not the internet (IANA
// special-purpose address registries), or that hold IPv4 addresses within.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("::/96"),
}

// allows tells whether anybody may have us connect to an address.
func (o *outside) allows(a netip.Addr) bool {
	for _, p := range o.allowed {
		if p.Contains(a) {
			return true
		}
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// dial connects for channels that do not speak HTTP.
func (o *outside) dial(ctx context.Context, u *data.User, address string) (net.Conn, error) {
	allows := o.allows
	if u.Administrator {
		allows = func(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() }
	}
	conn, err := dialer(allows).DialContext(ctx, "tcp", address)
	return conn, plain(err)
}

// address reads an address that a person gave.
func address(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Host == "" || u.Opaque != "" {
		return nil, final("the address is not understood: write it like %s://example.org/path", schemes[0])
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return u, nil
		}
	}
	return nil, final("the address must begin with %s://", strings.Join(schemes, ":// or "))
}

// do makes a request for an account and reads its answer. Anything but success
// is an error without the address, which may hold secrets.
func (o *outside) do(u *data.User, req *http.Request) error {
	c := o.guarded
	if u.Administrator {
		c = o.open
	}
	req.Header.Set("User-Agent", "Waymark")
	resp, err := c.Do(req)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return final("the server sends us on to another address (%d): write that one", resp.StatusCode)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return &laterError{pause(resp.Header.Get("Retry-After")), answered(resp.StatusCode, body, err)}
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode == http.StatusTooEarly:
		return errors.New(answered(resp.StatusCode, body, err))
	}
	return final("%s", answered(resp.StatusCode, body, err))
}

func answered(status int, body []byte, err error) string {
	if err != nil {
		return fmt.Sprintf("the server answered %d", status)
	}
	return fmt.Sprintf("the server answered %d: %.200s", status, line(strings.ToValidUTF8(string(body), "")))
}

// pause reads how many seconds a server wants to be left alone.
func pause(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxPause)
}

// plain takes the address out of an error of package net/http.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, errForbidden) {
		return errForbidden
	}
	return err
}
