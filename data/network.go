package data

import (
	"encoding/json"
	"strconv"
)

// AppendJSON appends n in the shape of the API (and of network location
// services): radioType, considerIp, cellTowers, wifiAccessPoints.
func (n *Network) AppendJSON(b []byte) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"radioType":`...)
	if len(n.CellTowers) > 0 && n.CellTowers[0].RadioType != "" {
		b = AppendJSONString(b, n.CellTowers[0].RadioType)
	} else {
		b = append(b, `"gsm"`...)
	}
	b = append(b, `,"considerIp":false`...)
	if len(n.CellTowers) > 0 {
		b = append(b, `,"cellTowers":[`...)
		for i := range n.CellTowers {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.CellTowers[i].appendJSON(b)
		}
		b = append(b, ']')
	}
	if len(n.WifiAccessPoints) > 0 {
		b = append(b, `,"wifiAccessPoints":[`...)
		for i := range n.WifiAccessPoints {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.WifiAccessPoints[i].appendJSON(b)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (c *CellTower) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if c.RadioType != "" {
		b = append(b, `"radioType":`...)
		b = AppendJSONString(b, c.RadioType)
		b = append(b, ',')
	}
	b = append(b, `"cellId":`...)
	b = strconv.AppendInt(b, c.CellID, 10)
	b = append(b, `,"locationAreaCode":`...)
	b = strconv.AppendInt(b, int64(c.LAC), 10)
	b = append(b, `,"mobileCountryCode":`...)
	b = strconv.AppendInt(b, int64(c.MCC), 10)
	b = append(b, `,"mobileNetworkCode":`...)
	b = strconv.AppendInt(b, int64(c.MNC), 10)
	if c.SignalDBm != nil {
		b = append(b, `,"signalStrength":`...)
		b = strconv.AppendInt(b, int64(*c.SignalDBm), 10)
	}
	return append(b, '}')
}

func (w *WifiAccessPoint) appendJSON(b []byte) []byte {
	b = append(b, `{"macAddress":`...)
	b = AppendJSONString(b, w.MAC)
	if w.SignalDBm != nil {
		b = append(b, `,"signalStrength":`...)
		b = strconv.AppendInt(b, int64(*w.SignalDBm), 10)
	}
	if w.Channel != 0 {
		b = append(b, `,"channel":`...)
		b = strconv.AppendInt(b, int64(w.Channel), 10)
	}
	return append(b, '}')
}

// MarshalJSON implements json.Marshaler.
func (n *Network) MarshalJSON() ([]byte, error) { return n.AppendJSON(nil), nil }

// UnmarshalJSON reads what AppendJSON writes.
func (n *Network) UnmarshalJSON(b []byte) error {
	var in struct {
		CellTowers []struct {
			RadioType string `json:"radioType"`
			CellID    int64  `json:"cellId"`
			LAC       int    `json:"locationAreaCode"`
			MCC       int    `json:"mobileCountryCode"`
			MNC       int    `json:"mobileNetworkCode"`
			Signal    *int   `json:"signalStrength"`
		} `json:"cellTowers"`
		Wifi []struct {
			MAC     string `json:"macAddress"`
			Signal  *int   `json:"signalStrength"`
			Channel int    `json:"channel"`
		} `json:"wifiAccessPoints"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*n = Network{}
	for _, c := range in.CellTowers {
		n.CellTowers = append(n.CellTowers, CellTower{c.RadioType, c.MCC, c.MNC, c.LAC, c.CellID, c.Signal})
	}
	for _, w := range in.Wifi {
		n.WifiAccessPoints = append(n.WifiAccessPoints, WifiAccessPoint{w.MAC, w.Signal, w.Channel})
	}
	return nil
}
