package protocol

import (
	"bytes"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// tryFrames bounds the frames of a trial.
	tryFrames = 8
	// tryAhead is how far ahead of now the time of a trial's place may be.
	tryAhead = 48 * time.Hour
	// leastGuess is how many bytes must have come for a guess by a beginning.
	leastGuess = 4
	// tryKnots is more than any vehicle drives or flies.
	tryKnots = 900
)

// Guess is what the first bytes of a peer tell about its protocol.
type Guess struct {
	// Protocol is the one to use, nil if it is not known.
	Protocol *Protocol
	// Wait says that more bytes may decide.
	Wait bool
	// Names are the protocols that fit, the likeliest first.
	Names []string
}

// Recognise guesses which protocol of a list the first bytes over a transport
// are of. One whose Signature is sure is taken if no other is; else the codecs
// of those that fit read a copy, and one that makes sense of the bytes wins over
// those that merely look alike. last says that no more bytes will come: then the
// best one is taken if no other is as good. A protocol that reads nonsense, a
// place that is none or a time that is not yet, is never taken.
func Recognise(list []Protocol, first []byte, tr Transport, now time.Time, last bool) Guess {
	var found [Sure + 1][]*Protocol
	for i := range list {
		p := &list[i]
		if p.Transports&tr != 0 && p.Signature != nil {
			m := p.Signature(first, tr)
			found[m] = append(found[m], p)
		}
	}
	if sure := found[Sure]; len(sure) == 1 {
		return Guess{Protocol: sure[0], Names: []string{sure[0].Name}}
	}
	candidates := found[Sure]
	if len(candidates) == 0 {
		candidates = found[Maybe]
	}
	waiting := len(found[NeedMore]) > 0
	best := contest(candidates, first, tr, now)
	if len(candidates) == 0 && last {
		// What may only begin like this counts while nothing has come that says
		// who or where.
		best = contest(found[NeedMore], first, tr, now)
		if best.sense != reads && (best.sense != waits || len(first) < leastGuess) {
			best.list = nil
		}
	}
	guess := Guess{Names: names(best.list, candidates, found[Maybe], found[NeedMore])}
	switch unique := len(best.list) == 1; {
	case unique && (best.sense >= reads && !waiting || best.sense > nonsense && last):
		guess.Protocol = best.list[0]
	default:
		guess.Wait = !last && (waiting || best.sense > nonsense)
	}
	return guess
}

// sense is how much sense a protocol makes of bytes.
type sense uint8

const (
	nonsense sense = iota // unreadable, or no place or time on earth
	partly                // with bytes left out
	waits                 // nothing whole yet
	reads                 // whole frames
	tells                 // frames that say who or where
)

// winners are the protocols that make the most sense.
type winners struct {
	list  []*Protocol
	sense sense
}

// contest finds the protocols that make the most sense, but none.
func contest(candidates []*Protocol, first []byte, tr Transport, now time.Time) (best winners) {
	for _, p := range candidates {
		switch s := try(p, first, tr, now); {
		case s > best.sense:
			best = winners{[]*Protocol{p}, s}
		case s == best.sense && s > nonsense:
			best.list = append(best.list, p)
		}
	}
	return best
}

// try lets a codec of a protocol read a copy of the bytes. A codec that panics
// makes no sense of them.
func try(p *Protocol, first []byte, tr Transport, now time.Time) (s sense) {
	defer func() {
		if recover() != nil {
			s = nonsense
		}
	}()
	codec, buf := p.New(tr), bytes.Clone(first)
	s = waits
	noise, unreadable := false, 0
	for range tryFrames {
		frame, n, err := codec.Next(buf)
		switch {
		case err != nil:
			return nonsense
		case n == 0:
			return settle(s, noise, unreadable)
		}
		skipped := buf[:min(n, len(buf))]
		buf = buf[len(skipped):]
		if frame == nil {
			noise = noise || len(bytes.Trim(skipped, "\r\n\x00; ")) > 0
			continue
		}
		packet, err := codec.Decode(frame, now)
		switch {
		case err != nil:
			unreadable++
		case !sane(&packet, now):
			return nonsense
		case packet.Identity != "" || len(packet.Positions) > 0 || len(packet.More) > 0:
			s = tells
		default:
			s = max(s, reads)
		}
	}
	return settle(s, noise, unreadable)
}

// settle lowers the sense for what was left out.
func settle(s sense, noise bool, unreadable int) sense {
	switch {
	case unreadable > 0 && s < reads:
		return nonsense
	case unreadable > 0 || noise:
		return partly
	}
	return s
}

// sane tells whether a packet speaks of this earth and of times until now.
func sane(packet *data.Packet, now time.Time) bool {
	for i := range packet.Positions {
		p := &packet.Positions[i]
		for _, t := range [...]time.Time{p.FixTime, p.DeviceTime} {
			if !t.IsZero() && (t.Before(earliestTime) || t.After(now.Add(tryAhead))) {
				return false
			}
		}
		if p.Latitude < -90 || p.Latitude > 90 || p.Longitude < -180 || p.Longitude > 180 || p.SpeedKnots > tryKnots {
			return false
		}
	}
	for i := range packet.More {
		if !sane(&packet.More[i], now) {
			return false
		}
	}
	return true
}

// maxNames bounds Guess.Names.
const maxNames = 5

// names lists the names of protocols, each once.
func names(lists ...[]*Protocol) []string {
	var out []string
	seen := map[*Protocol]bool{}
	for _, list := range lists {
		for _, p := range list {
			if !seen[p] && len(out) < maxNames {
				seen[p] = true
				out = append(out, p.Name)
			}
		}
	}
	return out
}
