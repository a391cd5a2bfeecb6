package owntracks

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// maxFace bounds the picture of a friend in bytes; bigger ones are left out.
const maxFace = 64 << 10

// place is the last location of a friend.
type place struct {
	Type      string  `json:"_type"`
	Tid       string  `json:"tid"`
	Topic     string  `json:"topic"`
	Timestamp int64   `json:"tst"`
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lon"`
	Altitude  int64   `json:"alt,omitempty"`
	Accuracy  int64   `json:"acc,omitempty"`
	Speed     int64   `json:"vel"` // km/h
	Course    int64   `json:"cog"`
	Battery   *int64  `json:"batt,omitempty"`
}

// card says who a friend is.
type card struct {
	Type  string `json:"_type"`
	Tid   string `json:"tid"`
	Topic string `json:"topic"`
	Name  string `json:"name"`
	Face  string `json:"face,omitempty"` // a picture in base64
}

// friends writes where a device's friends are, and who: a location and a card
// for each. The settings tid and face are the friend's own.
func friends(list []protocol.Friend) []byte {
	out := []any{}
	for i := range list {
		f := &list[i]
		p := &f.Position
		if p.FixTime.IsZero() {
			continue // it has never had a fix
		}
		at := place{
			Type: "location", Tid: tid(f), Topic: topicOf(f), Timestamp: p.FixTime.Unix(),
			Latitude: p.Latitude, Longitude: p.Longitude, Altitude: whole(p.AltitudeM), Accuracy: whole(p.AccuracyM),
			Speed: whole(converters.KmhFromKnots(p.SpeedKnots)), Course: whole(p.CourseDeg),
		}
		if v, ok := p.Attributes.Get("batteryLevel").Float(); ok {
			level := converters.Clamp(v, 0, 100)
			at.Battery = &level
		}
		who := card{Type: "card", Tid: at.Tid, Topic: at.Topic, Name: f.Name}
		if face := f.Settings.Text("face"); len(face) <= maxFace {
			who.Face = face
		}
		out = append(out, at, who)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nothing
	}
	return b
}

func whole(v float64) int64 { return converters.Clamp(v, math.MinInt32, math.MaxInt32) }

// topicOf is the topic by which the app tells friends apart.
func topicOf(f *protocol.Friend) string {
	if t := topic(f.UniqueID); t != "" {
		return t
	}
	return root + "waymark/" + strings.ReplaceAll(f.UniqueID, "/", "-")
}

// tid is the setting of that name, else the end of the unique id: two
// characters, as the app shows them.
func tid(f *protocol.Friend) string {
	if set := f.Settings.Text("tid"); set != "" {
		return set
	}
	id := f.UniqueID
	for utf8.RuneCountInString(id) > 2 {
		_, size := utf8.DecodeRuneInString(id)
		id = id[size:]
	}
	return strings.ToUpper(id)
}
