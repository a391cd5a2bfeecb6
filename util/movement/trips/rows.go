package trips

import "time"

// Kind is how a device got from one place to another.
type Kind uint8

// The kinds of a Trip.
const (
	// Drive: by itself.
	Drive Kind = iota
	// Carried: with the ignition off, on a ferry or a transporter. Its way is not
	// in the totals, as it is not on the vehicle's own odometer.
	Carried
	// Unseen: it was silent for longer than Config.MaxGap and came back elsewhere.
	// The way is the straight line.
	Unseen
)

// String is the kind's name in the API.
func (k Kind) String() string {
	switch k {
	case Carried:
		return "carried"
	case Unseen:
		return "unseen"
	}
	return "drive"
}

// Place is where a device was, when.
type Place struct {
	// PositionID is the position that says so.
	PositionID int64
	// Time is milliseconds since 1970 UTC.
	Time     int64
	Lat, Lon float64
}

// At is Time for people, UTC.
func (p Place) At() time.Time { return time.UnixMilli(p.Time).UTC() }

// Amounts are what trips, stops and days count. Whole numbers, so that sums do
// not depend on the order of adding.
type Amounts struct {
	// DistanceMM is millimetres.
	DistanceMM int64
	// MovingMS is time on the way without halts, IdleMS time standing with the
	// engine on (a halt within a trip counts if nothing is known of the engine),
	// EngineMS time with the engine on: milliseconds.
	MovingMS, IdleMS, EngineMS int64
	// FuelML is millilitres burnt, by the device's counter or else its level;
	// 0 if unknown, below 0 if sloshing made the level rise.
	FuelML int64
	// MaxSpeedKnots is the highest speed of a kept position on the way.
	MaxSpeedKnots float64
}

func (a *Amounts) add(b Amounts) {
	a.DistanceMM += b.DistanceMM
	a.MovingMS += b.MovingMS
	a.IdleMS += b.IdleMS
	a.EngineMS += b.EngineMS
	a.FuelML += b.FuelML
	a.MaxSpeedKnots = max(a.MaxSpeedKnots, b.MaxSpeedKnots)
}

// Trip is a way from one stop to the next.
type Trip struct {
	Kind       Kind
	Start, End Place
	Amounts
	// AverageSpeedKnots is the distance by the time from start to end.
	AverageSpeedKnots float64
	// OdometerStartM and OdometerEndM are the device's own odometer in metres, -1
	// if it has none; TotalStartMM and TotalEndMM our count (totalDistance).
	OdometerStartM, OdometerEndM float64
	TotalStartMM, TotalEndMM     int64
	// Driver is the card or tag last shown until the end, empty if none.
	Driver string
	// Path is the simplified way, at most MaxPath places: see DecodePath.
	Path string
	// Version is that of the rules.
	Version int
}

// Stop is the time between two trips.
type Stop struct {
	// Start is the place; End.Time is when it left, in the same place.
	Start, End Place
	// Amounts has only IdleMS, EngineMS and FuelML.
	Amounts
	OdometerM float64
	TotalMM   int64
	Version   int
}

// Day is what a device did on one day of its time zone. What a position proves
// (a way, an interval) counts on the day of that position.
type Day struct {
	// Number is the day as days since 1970-01-01, see Date. Start and End are its
	// bounds in milliseconds since 1970 UTC: 23 to 25 hours apart.
	Number, Start, End int64
	// First and Last are the times of its first and last report.
	First, Last int64
	Reports     int64
	Amounts
	// CarriedMM is the way it was carried, in millimetres, not in DistanceMM.
	CarriedMM int64
	// Trips is how many trips of any kind began to count on this day.
	Trips int64
	// OdometerStartM and OdometerEndM are the device's own odometer, -1 if unknown;
	// TotalStartMM and TotalEndMM our count, HoursStartMS and HoursEndMS engine time.
	OdometerStartM, OdometerEndM float64
	TotalStartMM, TotalEndMM     int64
	HoursStartMS, HoursEndMS     int64
	Version                      int
}

// Date is the day's date as midnight UTC.
func (d *Day) Date() time.Time { return time.Unix(d.Number*86400, 0).UTC() }
