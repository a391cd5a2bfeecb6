// Package all is the list of protocols. To add one, add a line to All.
package all

import (
	"errors"
	"fmt"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/arnavi"
	"github.com/waymark-gps/waymark/tracker/protocol/atrack"
	"github.com/waymark-gps/waymark/tracker/protocol/calamp"
	"github.com/waymark-gps/waymark/tracker/protocol/castel"
	"github.com/waymark-gps/waymark/tracker/protocol/cellocator"
	"github.com/waymark-gps/waymark/tracker/protocol/eelink"
	"github.com/waymark-gps/waymark/tracker/protocol/egts"
	"github.com/waymark-gps/waymark/tracker/protocol/flespi"
	"github.com/waymark-gps/waymark/tracker/protocol/galileo"
	"github.com/waymark-gps/waymark/tracker/protocol/gl200"
	"github.com/waymark-gps/waymark/tracker/protocol/gps103"
	"github.com/waymark-gps/waymark/tracker/protocol/gpslogger"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/h02"
	"github.com/waymark-gps/waymark/tracker/protocol/jt808"
	"github.com/waymark-gps/waymark/tracker/protocol/meiligao"
	"github.com/waymark-gps/waymark/tracker/protocol/meitrack"
	"github.com/waymark-gps/waymark/tracker/protocol/minifinder"
	"github.com/waymark-gps/waymark/tracker/protocol/minifinder2"
	"github.com/waymark-gps/waymark/tracker/protocol/navis"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/overland"
	"github.com/waymark-gps/waymark/tracker/protocol/owntracks"
	"github.com/waymark-gps/waymark/tracker/protocol/phonetrack"
	"github.com/waymark-gps/waymark/tracker/protocol/ruptela"
	"github.com/waymark-gps/waymark/tracker/protocol/suntech"
	"github.com/waymark-gps/waymark/tracker/protocol/t55"
	"github.com/waymark-gps/waymark/tracker/protocol/taip"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/tracker/protocol/tk103"
	"github.com/waymark-gps/waymark/tracker/protocol/topin"
	"github.com/waymark-gps/waymark/tracker/protocol/totem"
	"github.com/waymark-gps/waymark/tracker/protocol/ulogger"
	"github.com/waymark-gps/waymark/tracker/protocol/watch"
	"github.com/waymark-gps/waymark/tracker/protocol/webhook"
	"github.com/waymark-gps/waymark/tracker/protocol/wialon"
	"github.com/waymark-gps/waymark/tracker/protocol/xexun"
	"github.com/waymark-gps/waymark/tracker/protocol/xexun2"
)

// All returns every protocol, in the order of names.
func All() []protocol.Protocol {
	return []protocol.Protocol{
		arnavi.Protocol(),
		atrack.Protocol(),
		calamp.Protocol(),
		castel.Protocol(),
		cellocator.Protocol(),
		eelink.Protocol(),
		egts.Protocol(),
		flespi.Protocol(),
		galileo.Protocol(),
		gl200.Protocol(),
		gps103.Protocol(),
		gpslogger.Protocol(),
		gt06.Protocol(),
		h02.Protocol(),
		jt808.Protocol(),
		meiligao.Protocol(),
		meitrack.Protocol(),
		minifinder.Protocol(),
		minifinder2.Protocol(),
		navis.Protocol(),
		osmand.Protocol(),
		overland.Protocol(),
		owntracks.Protocol(),
		phonetrack.Protocol(),
		ruptela.Protocol(),
		suntech.Protocol(),
		t55.Protocol(),
		taip.Protocol(),
		teltonika.Protocol(),
		tk103.Protocol(),
		topin.Protocol(),
		totem.Protocol(),
		ulogger.Protocol(),
		watch.Protocol(),
		webhook.Protocol(),
		wialon.Protocol(),
		xexun.Protocol(),
		xexun2.Protocol(),
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
		case p.Name == "" || p.Port < 0 || p.Port > 65535 || p.Port == 0 && !claims(&p):
			errs = append(errs, fmt.Errorf("protocol %q: a name and a port of 1 to 65535 are needed, port is %d", p.Name, p.Port))
		case (p.Transports&protocol.HTTP != 0) != (p.HTTP != nil),
			(p.Transports&(protocol.TCP|protocol.UDP) != 0) != (p.New != nil),
			(p.Transports&protocol.MQTT != 0) != (p.Phone != nil && p.Phone.MQTT != nil),
			p.Transports == 0, p.HTTP != nil && p.New != nil:
			errs = append(errs, fmt.Errorf("protocol %s: transports and functions do not fit together", p.Name))
		}
		for _, q := range list[:i] {
			if p.Name == q.Name {
				errs = append(errs, fmt.Errorf("protocols on ports %d and %d are both called %s", q.Port, p.Port, p.Name))
			}
			if p.Port == q.Port && p.Port != 0 {
				errs = append(errs, fmt.Errorf("protocols %s and %s both want port %d", q.Name, p.Name, p.Port))
			}
		}
	}
	return errors.Join(errs...)
}

// claims tells whether a protocol is reached through a shared port.
func claims(p *protocol.Protocol) bool { return p.Phone != nil && p.Phone.Claims != nil }
