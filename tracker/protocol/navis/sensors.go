package navis

// maxFuel is the highest level of a fuel sensor; above are its errors.
const maxFuel = 65500

// counter reads fields 33 to 52: counters, frequencies, fuel, temperatures.
func (f *fix) counter(n uint8, v uint64) {
	switch {
	case n == 33:
		f.int("count1", int64(v))
	case n == 34:
		f.int("count2", int64(v))
	case n == 35:
		f.int("freq1", int64(v))
	case n == 36:
		f.int("freq2", int64(v))
	case n == 37:
		f.int("hours", int64(v)*1000)
	case n >= 38 && n <= 43:
		if v < maxFuel {
			f.int(fuelNames[n-38], int64(v))
		}
	case n == 44:
		if v < maxFuel {
			f.int("fuel", int64(v))
		}
	case n >= 45 && n <= 52:
		f.celsius(tempNames[n-45], v)
	}
}

// celsius adds a signed byte of degrees; -128 means no sensor.
func (f *fix) celsius(key string, v uint64) {
	if t := int8(v); t != -128 {
		f.int(key, int64(t))
	}
}

// vehicle reads fields 53 to 69, from the bus of the vehicle. All bits set, or
// a negative distance, mean that the vehicle does not say.
func (f *fix) vehicle(n uint8, v uint64) {
	word := v != 0xFFFF && v != 0x7FFF
	octet := v != 0xFF
	switch {
	case n == 53 && word:
		if v&0x8000 != 0 {
			f.int("fuelLevel", int64(v&0x7FFF))
		} else {
			// It counts more than field 44, which has no unit.
			f.at.Attributes.SetFloat("fuel", float64(v)/10)
		}
	case n == 54:
		if used := float(v); used >= 0 {
			f.float("fuelUsed", used*0.5)
		}
	case n == 55 && word:
		f.int("rpm", int64(v))
	case n == 56:
		f.celsius("coolantTemp", v)
	case n == 57:
		f.metres("obdOdometer", float(v))
	case n >= 58 && n <= 62 && word:
		f.int(axleNames[n-58], int64(v))
	case n == 63 && octet:
		f.int("throttle", int64(v))
	case n == 64 && octet:
		f.int("brake", int64(v))
	case n == 65 && octet:
		f.int("engineLoad", int64(v))
	case n == 66 && word:
		f.int("adBlueLevel", int64(v))
	case n == 67 && v != 0xFFFFFFFF:
		f.int("obdHours", int64(v))
	case n == 68 && word:
		f.int("serviceOdometer", int64(int16(v))*5000)
	case n == 69 && octet:
		f.int("obdSpeed", int64(v))
	}
}

// extra reads the fields of FLEX 2.0 and 3.0 that have an attribute.
func (f *fix) extra(n uint8, v uint64, size int) {
	switch {
	case n == 71:
		f.float("hdop", float64(v&0xFF)/10)
		f.float("pdop", float64(v>>8)/10)
	case n >= 78 && n <= 83:
		f.celsius(fuelTempNames[n-78], v)
	case n >= 163 && n <= 166:
		if v != 0x8000 {
			f.float(tempNames[n-163+8], float64(int16(v))/20)
		}
	case n >= 167 && n <= 170:
		if v != 0xFF {
			f.float(humidityNames[n-167], float64(v)*0.5)
		}
	case n >= 207 && n <= 222:
		f.int(user1Names[n-207], int64(v))
	case n >= 223 && n <= 237:
		f.int(user2Names[n-223], int64(v))
	case n >= 238 && n <= 252:
		f.int(user4Names[n-238], int64(v))
	case n >= 253 && size == 8:
		f.int(user8Names[n-253], int64(v))
	}
}
