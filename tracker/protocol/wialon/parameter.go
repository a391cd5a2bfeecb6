package wialon

import (
	"math"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// maxParameters bounds the parameters of a message that are kept.
const maxParameters = 200

// parameters reads a list of name:type:value.
func parameters(p *data.Position, list string) {
	if !given(list) {
		return
	}
	cells := false
	for n := 0; n < maxParameters && list != ""; n++ {
		var part string
		part, list, _ = strings.Cut(list, ",")
		name, rest, ok := strings.Cut(part, ":")
		_, value, ok2 := strings.Cut(rest, ":")
		if name = strings.ToLower(strings.TrimSpace(name)); !ok || !ok2 || name == "" {
			continue
		}
		cells = cells || strings.HasPrefix(name, "cell_id")
		parameter(p, name, strings.TrimSpace(value))
	}
	if cells {
		towers(p)
	}
}

func parameter(p *data.Position, name, value string) {
	a := &p.Attributes
	v, isNumber := decimal(value)
	switch {
	case name == "accuracy" && isNumber:
		if v >= 0 {
			p.AccuracyM = v
		}
	case name == "bat" && isNumber:
		a.SetInt("batteryLevel", integer(v))
	case name == "temp" && isNumber:
		a.SetInt("deviceTemp", integer(v))
	case isNumber:
		a.SetFloat(name, v)
	case strings.EqualFold(value, "true"), strings.EqualFold(value, "false"):
		a.SetBool(name, len(value) == len("true"))
	case value != "":
		a.SetString(name, value)
	}
}

// decimal reads a number; words and hexadecimals are text.
func decimal(s string) (v float64, ok bool) {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// integer cuts the fraction off.
func integer(v float64) int64 {
	const most = 1 << 53
	return int64(min(max(v, -most), most))
}

// maxTowers is how many cells a message can name: without and with a digit.
const maxTowers = 10

// towers builds the network from mcc, mnc, lac and cell_id, which may be
// numbered. The cell stays an attribute.
func towers(p *data.Position) {
	var network data.Network
	for i := range maxTowers {
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i)
		}
		mcc, ok := field(p, "mcc"+suffix)
		mnc, ok2 := field(p, "mnc"+suffix)
		lac, ok3 := field(p, "lac"+suffix)
		cell, ok4 := field(p, "cell_id"+suffix)
		if !ok || !ok2 || !ok3 || !ok4 {
			continue
		}
		for _, name := range [...]string{"mcc", "mnc", "lac"} {
			p.Attributes.Set(name+suffix, data.Value{})
		}
		network.CellTowers = append(network.CellTowers, data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell})
	}
	if network.CellTowers != nil {
		p.Network = &network
	}
}

func field(p *data.Position, name string) (int64, bool) {
	v, ok := p.Attributes.Get(name).Float()
	return integer(v), ok
}
