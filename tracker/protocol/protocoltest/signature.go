package protocoltest

import (
	"math/rand/v2"
	"testing"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Signature checks the signature of a protocol with the messages of
// testdata/*.jsonl: each is known, and its beginnings are not denied. sessions
// names those that nothing can be known by. Then it gives noise, which must not
// panic and not be certain.
func Signature(t *testing.T, p protocol.Protocol, sessions ...string) {
	t.Helper()
	unknowable := map[string]bool{}
	for _, s := range sessions {
		unknowable[s] = true
	}
	checked := 0
	for _, r := range Records(t) {
		b, ok, err := Wire(&p, &r)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || r.Dir != "decode" || unknowable[r.Session] {
			continue
		}
		tr := r.Transport(&p)
		checked++
		if m := p.Signature(b, tr); m < protocol.Maybe {
			t.Errorf("%s %d: match %d, want at least %d: %.60q", r.Session, r.Seq, m, protocol.Maybe, b)
		}
		for n := range b {
			if tr != protocol.UDP && p.Signature(b[:n], tr) == protocol.No {
				t.Errorf("%s %d: the first %d bytes are denied: %.60q", r.Session, r.Seq, n, b)
				break
			}
		}
	}
	if checked == 0 && p.New != nil {
		t.Error("no message was checked")
	}
	checkSignatureNoise(t, &p)
}

func checkSignatureNoise(t *testing.T, p *protocol.Protocol) {
	const rounds = 20_000
	random := rand.New(rand.NewPCG(3, 4))
	certain := 0
	for range rounds {
		noise := make([]byte, random.IntN(64))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		for _, tr := range []protocol.Transport{protocol.TCP, protocol.UDP, protocol.HTTP} {
			if p.Transports&tr != 0 && p.Signature(noise, tr) == protocol.Sure {
				certain++
			}
		}
	}
	if certain > rounds/100 {
		t.Errorf("%d of %d times noise was taken for certain", certain, rounds)
	}
}
