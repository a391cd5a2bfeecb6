package data

import (
	"encoding/json"
	"reflect"
	"testing"
)

func ptr(i int) *int { return &i }

func TestNetworkJSON(t *testing.T) {
	for _, c := range []struct {
		n    *Network
		json string
	}{
		{nil, `null`},
		{&Network{}, `{"radioType":"gsm","considerIp":false}`},
		{
			&Network{CellTowers: []CellTower{{MCC: 262, MNC: 2, LAC: 5126, CellID: 21532831}}},
			`{"radioType":"gsm","considerIp":false,"cellTowers":[{"cellId":21532831,"locationAreaCode":5126,"mobileCountryCode":262,"mobileNetworkCode":2}]}`,
		},
		{
			&Network{
				CellTowers:       []CellTower{{RadioType: "lte", SignalDBm: ptr(-80)}, {RadioType: "5g+", CellID: 1 << 40}},
				WifiAccessPoints: []WifiAccessPoint{{MAC: "00:11:22:33:44:55", SignalDBm: ptr(0)}, {MAC: "a", Channel: 11}},
			},
			`{"radioType":"lte","considerIp":false,"cellTowers":[{"radioType":"lte","cellId":0,"locationAreaCode":0,"mobileCountryCode":0,"mobileNetworkCode":0,"signalStrength":-80},` +
				`{"radioType":"5g+","cellId":1099511627776,"locationAreaCode":0,"mobileCountryCode":0,"mobileNetworkCode":0}],` +
				`"wifiAccessPoints":[{"macAddress":"00:11:22:33:44:55","signalStrength":0},{"macAddress":"a","channel":11}]}`,
		},
	} {
		b := c.n.AppendJSON(nil)
		if string(b) != c.json {
			t.Errorf("have %s\nwant %s", b, c.json)
		}
		if c.n == nil {
			continue
		}
		if fast, ok := parseNetwork(b); !ok || !reflect.DeepEqual(fast, c.n) {
			t.Errorf("fast way: have %v %+v, want %+v", ok, fast, c.n)
		}
		var slow Network
		if err := json.Unmarshal(b, &slow); err != nil || !reflect.DeepEqual(&slow, c.n) {
			t.Errorf("slow way: have %+v, want %+v (%v)", slow, c.n, err)
		}
	}
}

func TestParseNetworkUnusual(t *testing.T) {
	have, err := ParseNetwork([]byte(`{"carrier":"x","CELLTOWERS":[{"cellId":7,"signalStrength":null,"age":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (&Network{CellTowers: []CellTower{{CellID: 7}}}); !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
	for _, text := range []string{``, `{`, `[]`, `{"cellTowers":[{"cellId":1.5}]}`, `{"cellTowers":[{}]`, `{} {}`} {
		if have, err := ParseNetwork([]byte(text)); err == nil {
			t.Errorf("%q: have %+v, want an error", text, have)
		}
	}
}

// Where the fast way answers, it answers as encoding/json.
func FuzzParseNetwork(f *testing.F) {
	n := &Network{[]CellTower{{RadioType: "lte", MCC: 1, SignalDBm: ptr(-1)}}, []WifiAccessPoint{{MAC: "m", Channel: 1}}}
	f.Add(n.AppendJSON(nil))
	f.Add([]byte(`{"cellTowers":[{"cellId":1},{}],"cellTowers":[]}`))
	f.Add([]byte(`{"wifiAccessPoints":[{"signalStrength":1,"signalStrength":-0}] }`))
	f.Fuzz(func(t *testing.T, b []byte) {
		fast, ok := parseNetwork(b)
		if !ok {
			return
		}
		var want Network
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%q: have %+v, want %v", b, fast, err)
		}
		if !reflect.DeepEqual(fast, &want) {
			t.Fatalf("%q: have %+v, want %+v", b, fast, want)
		}
	})
}
