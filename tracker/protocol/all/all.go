// Package all is the list of protocols. To add one, add a line to All.
package all

import (
	"errors"
	"fmt"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
)

// All returns every protocol, in the order of names.
func All() []protocol.Protocol {
	return []protocol.Protocol{
		gt06.Protocol(),
		osmand.Protocol(),
		teltonika.Protocol(),
	}
}

// Registry returns All after checking it: two protocols with one name or one
// port are an error that names both.
func Registry() ([]protocol.Protocol, error) {
	list := All()
	if err := check(list); err != nil {
		return nil, err
	}
	return list, nil
}

// ByName finds a protocol; ok is false if there is none of that name.
func ByName(name string) (p protocol.Protocol, ok bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return protocol.Protocol{}, false
}

// Names returns the names of every protocol.
func Names() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return names
}

func check(list []protocol.Protocol) error {
	var errs []error
	for i, p := range list {
		switch {
		case p.Name == "" || p.Port <= 0 || p.Port > 65535:
			errs = append(errs, fmt.Errorf("protocol %q: a name and a port of 1 to 65535 are needed, port is %d", p.Name, p.Port))
		case (p.Transports&protocol.HTTP != 0) != (p.HTTP != nil),
			(p.Transports&(protocol.TCP|protocol.UDP) != 0) != (p.New != nil),
			p.Transports == 0, p.HTTP != nil && p.New != nil:
			errs = append(errs, fmt.Errorf("protocol %s: transports and functions do not fit together", p.Name))
		}
		for _, q := range list[:i] {
			if p.Name == q.Name {
				errs = append(errs, fmt.Errorf("protocols on ports %d and %d are both called %s", q.Port, p.Port, p.Name))
			}
			if p.Port == q.Port {
				errs = append(errs, fmt.Errorf("protocols %s and %s both want port %d", q.Name, p.Name, p.Port))
			}
		}
	}
	return errors.Join(errs...)
}
