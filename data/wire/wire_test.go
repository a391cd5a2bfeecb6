package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/waymark-gps/waymark/data"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a typical report.
func sample() data.Position {
	signal := -71
	p := data.Position{
		ID: 42, DeviceID: 7, Protocol: "gt06",
		ServerTime: time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC),
		DeviceTime: time.Date(2026, 3, 1, 11, 59, 58, 0, time.UTC),
		FixTime:    time.Date(2026, 3, 1, 11, 59, 57, 0, time.UTC),
		Valid:      true,
		Latitude:   52.520008, Longitude: 13.404954, AltitudeM: 34.5,
		SpeedKnots: 21.6, CourseDeg: 270, AccuracyM: 3,
		Network: &data.Network{
			CellTowers:       []data.CellTower{{RadioType: "lte", MCC: 262, MNC: 2, LAC: 5126, CellID: 21532831, SignalDBm: &signal}},
			WifiAccessPoints: []data.WifiAccessPoint{{MAC: "00:11:22:33:44:55", Channel: 11}},
		},
	}
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetInt("sat", 9)
	p.Attributes.SetFloat("power", 12.6)
	p.Attributes.SetFloat("hdop", 1)
	p.Attributes.SetString("alarm", "sos,powerCut")
	return p
}

func TestGolden(t *testing.T) {
	second := data.Position{DeviceID: 8, Protocol: "osmand", Outdated: true}
	have := Append(nil, []data.Position{sample(), second})
	file := filepath.Join("testdata", "batch.hex")
	if *update {
		if err := os.WriteFile(file, []byte(hex.EncodeToString(have)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("have %x\nwant %x\n(messages on the bus outlive a release; if this is meant: go test -update)", have, want)
	}
	positions, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if want := []data.Position{sample(), second}; !reflect.DeepEqual(positions, want) {
		t.Errorf("have %+v\nwant %+v", positions, want)
	}
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		want := make([]data.Position, random.IntN(4))
		for i := range want {
			want[i] = randomPosition(random)
		}
		b := Append([]byte("before"), want)
		b, before := b[6:], b[:6]
		if string(before) != "before" {
			t.Fatal("Append changed what was there")
		}
		have, err := Parse(b)
		if err != nil {
			t.Fatalf("%v\n%+v", err, want)
		}
		clear(b) // the result must not lie in the message
		if len(have) != len(want) {
			t.Fatalf("%d positions, want %d", len(have), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(have[i], want[i]) {
				t.Fatalf("have %+v\nwant %+v", have[i], want[i])
			}
			if have[i].Fingerprint() != want[i].Fingerprint() {
				t.Fatalf("fingerprint of %+v differs after the journey", want[i])
			}
		}
	}
}

// The bytes mean the same to the standard implementation, which reads the schema.
func TestStandardProtobuf(t *testing.T) {
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := compiler.Compile(t.Context(), "position.proto")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	positions := []data.Position{sample(), {}, randomPosition(random), randomPosition(random)}
	b := Append(nil, positions)
	batch := dynamicpb.NewMessage(files[0].Messages().ByName("PositionBatch"))
	if err := proto.Unmarshal(b, batch); err != nil {
		t.Fatal(err)
	}
	list := batch.Get(batch.Descriptor().Fields().ByName("positions")).List()
	if list.Len() != len(positions) {
		t.Fatalf("%d positions, want %d", list.Len(), len(positions))
	}
	first := list.Get(0).Message()
	get := func(name protoreflect.Name) any {
		return first.Get(first.Descriptor().Fields().ByName(name)).Interface()
	}
	if get("id") != int64(42) || get("fix_time_ms") != int64(1772366397000) || get("course_deg") != 270.0 ||
		string(get("attributes_json").([]byte)) != `{"ignition":true,"sat":9,"power":12.6,"hdop":1.0,"alarm":"sos,powerCut"}` {
		t.Errorf("have %v", first)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, b) {
		t.Errorf("have %x\nwant %x", b, again)
	}
}

// Two messages glued together are one.
func TestConcatenate(t *testing.T) {
	a, b := sample(), data.Position{DeviceID: 3}
	one := Append(nil, []data.Position{a, b})
	two := Append(Append(nil, []data.Position{a}), []data.Position{b})
	if !bytes.Equal(one, two) {
		t.Errorf("have %x\nwant %x", two, one)
	}
}

func TestUnknownFields(t *testing.T) {
	b := protowire.AppendTag(nil, 99, protowire.BytesType)
	b = protowire.AppendBytes(b, []byte("of a later version"))
	body := protowire.AppendTag(nil, 2, protowire.VarintType)
	body = protowire.AppendVarint(body, 5)
	body = protowire.AppendTag(body, 200, protowire.Fixed64Type)
	body = protowire.AppendFixed64(body, 1)
	b = protowire.AppendTag(b, positionsField, protowire.BytesType)
	b = protowire.AppendBytes(b, body)
	have, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := []data.Position{{DeviceID: 5}}; !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

func TestBroken(t *testing.T) {
	batch := Append(nil, []data.Position{sample()})
	attributes := func(json string) []byte {
		body := protowire.AppendTag(nil, 16, protowire.BytesType)
		body = protowire.AppendString(body, json)
		b := protowire.AppendTag(nil, positionsField, protowire.BytesType)
		return protowire.AppendBytes(b, body)
	}
	many := bytes.Repeat([]byte{0x0a, 0}, MaxPositions+1)
	for name, b := range map[string][]byte{
		"cut":                batch[:len(batch)-1],
		"text":               []byte("hello"),
		"length":             {0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"nested attributes":  attributes(`{"a":{}}`),
		"broken attributes":  attributes(`{"a":1`),
		"wrong type":         {0x0a, 2, 0x08 | 5, 0},
		"too many positions": many,
	} {
		if _, err := Parse(b); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
	if have, err := Parse(many[2:]); err != nil || len(have) != MaxPositions {
		t.Errorf("%d positions, error %v; want %d", len(have), err, MaxPositions)
	}
	if have, err := Parse(nil); err != nil || len(have) != 0 {
		t.Errorf("empty message: %v, %v", have, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, []data.Position{sample(), {}}))
	f.Add([]byte{0x0a, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		positions, err := Parse(b)
		if err != nil {
			return
		}
		// What can be read can be written, and is stable from then on.
		first := Append(nil, positions)
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("own message: %v\n%x", err, first)
		}
		if second := Append(nil, again); !bytes.Equal(first, second) {
			t.Fatalf("have %x\nwant %x", second, first)
		}
	})
}

func randomPosition(r *rand.Rand) data.Position {
	p := data.Position{
		ID: r.Int64N(1 << 40), DeviceID: r.Int64(), Protocol: []string{"", "gt06", "osmand", "теst\x00"}[r.IntN(4)],
		ServerTime: randomTime(r), DeviceTime: randomTime(r), FixTime: randomTime(r),
		Valid: r.IntN(2) == 0, Outdated: r.IntN(2) == 0,
		Latitude: r.Float64()*180 - 90, Longitude: r.Float64()*360 - 180,
		AltitudeM: math.Trunc(r.NormFloat64() * 100), SpeedKnots: float64(r.IntN(100)), CourseDeg: float64(r.IntN(360)),
		AccuracyM: r.ExpFloat64(),
	}
	// Trunc makes a negative zero, which becomes zero.
	p.AltitudeM += 0
	if r.IntN(3) == 0 {
		p.Network = &data.Network{}
		for range r.IntN(3) {
			p.Network.CellTowers = append(p.Network.CellTowers, data.CellTower{
				RadioType: []string{"", "gsm", "lte", "6g \"x\""}[r.IntN(4)], MCC: r.IntN(999), MNC: r.IntN(999),
				LAC: r.IntN(65536), CellID: r.Int64(), SignalDBm: randomSignal(r),
			})
		}
		for range r.IntN(3) {
			p.Network.WifiAccessPoints = append(p.Network.WifiAccessPoints, data.WifiAccessPoint{
				MAC: "aa:bb:cc:00:11:22", SignalDBm: randomSignal(r), Channel: r.IntN(14),
			})
		}
	}
	for range r.IntN(5) {
		key := []string{"sat", "io240", "hdop", "it's \"new\"", "☃", ""}[r.IntN(6)]
		switch r.IntN(4) {
		case 0:
			p.Attributes.SetBool(key, r.IntN(2) == 0)
		case 1:
			p.Attributes.SetInt(key, int64(r.Uint64()))
		case 2:
			p.Attributes.SetFloat(key, math.Float64frombits(r.Uint64()))
		case 3:
			p.Attributes.SetString(key, strings.Repeat("é\n\"", r.IntN(600)))
		}
	}
	if len(p.Attributes) == 0 {
		p.Attributes = nil
	}
	return p
}

func randomTime(r *rand.Rand) time.Time {
	if r.IntN(4) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Int64N(4e12) - 1e12).UTC()
}

func randomSignal(r *rand.Rand) *int {
	if r.IntN(2) == 0 {
		return nil
	}
	dBm := -r.IntN(120)
	return &dBm
}
