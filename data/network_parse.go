package data

// ParseNetwork reads what Network.AppendJSON writes. The result does not refer
// to b.
func ParseNetwork(b []byte) (*Network, error) {
	if n, ok := parseNetwork(b); ok {
		return n, nil
	}
	n := &Network{}
	if err := n.UnmarshalJSON(b); err != nil {
		return nil, err
	}
	return n, nil
}

// parseNetwork knows the shape that AppendJSON writes and no other: most
// reports of some protocols name their cell, and encoding/json would take most
// of the time of reading them. On anything unusual it gives up, and the whole
// is read again with encoding/json, so that there is one meaning only.
func parseNetwork(b []byte) (*Network, bool) {
	s := scanner{b: b}
	n := &Network{}
	ok := s.object(func(key string) bool {
		switch key {
		case "radioType":
			_, ok := s.plainText()
			return ok
		case "considerIp":
			return s.literal("false") || s.literal("true")
		case "cellTowers":
			return n.CellTowers == nil && s.list(func() bool {
				c, ok := s.cellTower()
				n.CellTowers = append(n.CellTowers, c)
				return ok
			})
		case "wifiAccessPoints":
			return n.WifiAccessPoints == nil && s.list(func() bool {
				w, ok := s.wifiAccessPoint()
				n.WifiAccessPoints = append(n.WifiAccessPoints, w)
				return ok
			})
		}
		return false
	})
	return n, ok && s.end() == nil
}

func (s *scanner) cellTower() (c CellTower, ok bool) {
	ok = s.object(func(key string) bool {
		switch key {
		case "radioType":
			text, ok := s.plainText()
			c.RadioType = radioType(text)
			return ok
		case "cellId":
			return s.int(&c.CellID)
		case "locationAreaCode":
			return s.smallInt(&c.LAC)
		case "mobileCountryCode":
			return s.smallInt(&c.MCC)
		case "mobileNetworkCode":
			return s.smallInt(&c.MNC)
		case "signalStrength":
			c.SignalDBm = new(int)
			return s.smallInt(c.SignalDBm)
		}
		return false
	})
	return c, ok
}

func (s *scanner) wifiAccessPoint() (w WifiAccessPoint, ok bool) {
	ok = s.object(func(key string) bool {
		switch key {
		case "macAddress":
			text, ok := s.plainText()
			w.MAC = string(text)
			return ok
		case "signalStrength":
			w.SignalDBm = new(int)
			return s.smallInt(w.SignalDBm)
		case "channel":
			return s.smallInt(&w.Channel)
		}
		return false
	})
	return w, ok
}

// radioType makes no new text for the known ones.
func radioType(b []byte) string {
	for _, known := range [...]string{"gsm", "cdma", "wcdma", "lte", "nr"} {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}

// object reads an object; member reads the value of a key.
func (s *scanner) object(member func(key string) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.plainText()
		if !ok || !s.take(':') || !member(networkKeys[string(key)]) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// networkKeys are the keys of a network, so that reading them makes no new
// texts; any other is the empty one.
var networkKeys = func() map[string]string {
	keys := map[string]string{}
	for _, k := range [...]string{
		"radioType", "considerIp", "cellTowers", "wifiAccessPoints", "cellId", "locationAreaCode",
		"mobileCountryCode", "mobileNetworkCode", "signalStrength", "macAddress", "channel",
	} {
		keys[k] = k
	}
	return keys
}()

// list reads a list; element reads one of its values.
func (s *scanner) list(element func() bool) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !s.take(',') {
			return s.take(']')
		}
	}
}

// plainText reads a text without escapes.
func (s *scanner) plainText() ([]byte, bool) {
	raw, plain, err := s.text()
	if err != nil || !plain {
		return nil, false
	}
	return raw[1 : len(raw)-1], true
}

func (s *scanner) int(to *int64) bool {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return false
	}
	v, err := s.number()
	if err != nil {
		return false
	}
	i, ok := v.Int()
	*to = i
	return ok
}

func (s *scanner) smallInt(to *int) bool {
	var wide int64
	ok := s.int(&wide)
	*to = int(wide)
	return ok && int64(*to) == wide
}
