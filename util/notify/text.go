package notify

// language is all words of messages. Sentences have placeholders in braces; see
// placeholders. A type of event that has no sentence is told by its name.
type language struct {
	// events are the sentences by type of event.
	events map[string]string
	// alarms are the names of alarms; one without is told by its own name.
	alarms map[string]string
	// place is a fact of the second line; when is how a time is written, in the
	// form of package time.
	place, when    string
	test, testText string
	// units of speed.
	kmh, mph, knots string
	geofence        string // one whose name is not known
}

// languages are those messages are written in, by ISO 639-1 code.
var languages = map[string]*language{"en": &english, "de": &german}

var english = language{
	events: map[string]string{
		"deviceOnline":        "{device} is online",
		"deviceUnknown":       "{device}: it is not known whether it is online",
		"deviceOffline":       "{device} is offline",
		"deviceInactive":      "{device} has not reported for a long time",
		"deviceMoving":        "{device} is moving",
		"deviceStopped":       "{device} has stopped",
		"deviceOverspeed":     "{device} is too fast: {speed}, {limit} allowed",
		"deviceFuelDrop":      "{device} has lost fuel",
		"deviceFuelIncrease":  "{device} was refuelled",
		"geofenceEnter":       "{device} entered {geofence}",
		"geofenceExit":        "{device} left {geofence}",
		"geofenceCrossed":     "{device} crossed {geofence}",
		"geofenceDwell":       "{device} has been in {geofence} for a long time",
		"geofenceMissing":     "{device} is not in {geofence}",
		"proximityEnter":      "{device} is near {other}",
		"proximityExit":       "{device} is no longer near {other}",
		"unaccompaniedMotion": "{device} is moving without anybody",
		"alarm":               "{device}: {alarm}",
		"ignitionOn":          "{device}: ignition on",
		"ignitionOff":         "{device}: ignition off",
		"maintenance":         "{device}: maintenance is due {maintenance}",
		"driverChanged":       "{device}: the driver is {driver}",
		"media":               "{device} sent a file",
		"commandResult":       "{device}: {command} is {state} {result}",
		"queuedCommandSent":   "{device}: {command} was sent",
	},
	alarms: map[string]string{
		"general": "alarm", "sos": "SOS", "vibration": "vibration", "movement": "movement", "lowspeed": "too slow", "overspeed": "too fast",
		"fallDown": "fall", "lowPower": "low power", "lowBattery": "battery low", "fault": "fault", "powerOff": "switched off",
		"powerOn": "switched on", "door": "door", "lock": "locked", "unlock": "unlocked", "geofence": "geofence", "geofenceEnter": "geofence entered",
		"geofenceExit": "geofence left", "gpsAntennaCut": "GPS antenna cut", "accident": "accident", "tow": "towed", "idle": "idling",
		"highRpm": "high revs", "hardAcceleration": "hard acceleration", "hardBraking": "hard braking", "hardCornering": "hard cornering",
		"laneChange": "lane change", "fatigueDriving": "tired driver", "powerCut": "power cut", "powerRestored": "power is back",
		"jamming": "jamming", "temperature": "temperature", "parking": "parking", "bonnet": "bonnet", "footBrake": "foot brake",
		"fuelLeak": "fuel leak", "tampering": "tampering", "removing": "removed",
	},
	place: "near {address}", when: "2006-01-02 15:04",
	test: "Test message", testText: "If you read this, messages of Waymark reach you.",
	kmh: "km/h", mph: "mph", knots: "kn", geofence: "a geofence",
}

var german = language{
	events: map[string]string{
		"deviceOnline":        "{device} ist online",
		"deviceUnknown":       "{device}: Es ist nicht bekannt, ob es online ist",
		"deviceOffline":       "{device} ist offline",
		"deviceInactive":      "{device} hat sich lange nicht gemeldet",
		"deviceMoving":        "{device} fährt",
		"deviceStopped":       "{device} hat angehalten",
		"deviceOverspeed":     "{device} ist zu schnell: {speed}, erlaubt sind {limit}",
		"deviceFuelDrop":      "{device} hat Kraftstoff verloren",
		"deviceFuelIncrease":  "{device} wurde betankt",
		"geofenceEnter":       "{device} ist jetzt in {geofence}",
		"geofenceExit":        "{device} hat {geofence} verlassen",
		"geofenceCrossed":     "{device} hat {geofence} gequert",
		"geofenceDwell":       "{device} ist schon lange in {geofence}",
		"geofenceMissing":     "{device} ist nicht in {geofence}",
		"proximityEnter":      "{device} ist in der Nähe von {other}",
		"proximityExit":       "{device} ist nicht mehr in der Nähe von {other}",
		"unaccompaniedMotion": "{device} bewegt sich ohne Begleitung",
		"alarm":               "{device}: {alarm}",
		"ignitionOn":          "{device}: Zündung an",
		"ignitionOff":         "{device}: Zündung aus",
		"maintenance":         "{device}: Die Wartung ist fällig {maintenance}",
		"driverChanged":       "{device}: Am Steuer ist {driver}",
		"media":               "{device} hat eine Datei gesendet",
		"commandResult":       "{device}: {command} ist {state} {result}",
		"queuedCommandSent":   "{device}: {command} wurde gesendet",
	},
	alarms: map[string]string{
		"general": "Alarm", "sos": "SOS", "vibration": "Erschütterung", "movement": "Bewegung", "lowspeed": "zu langsam", "overspeed": "zu schnell",
		"fallDown": "Sturz", "lowPower": "Spannung niedrig", "lowBattery": "Akku schwach", "fault": "Fehler", "powerOff": "ausgeschaltet",
		"powerOn": "eingeschaltet", "door": "Tür", "lock": "verriegelt", "unlock": "entriegelt", "geofence": "Geofence", "geofenceEnter": "Geofence betreten",
		"geofenceExit": "Geofence verlassen", "gpsAntennaCut": "GPS-Antenne getrennt", "accident": "Unfall", "tow": "abgeschleppt", "idle": "Leerlauf",
		"highRpm": "hohe Drehzahl", "hardAcceleration": "starke Beschleunigung", "hardBraking": "starkes Bremsen", "hardCornering": "scharfe Kurve",
		"laneChange": "Spurwechsel", "fatigueDriving": "Müdigkeit", "powerCut": "Strom getrennt", "powerRestored": "Strom wieder da",
		"jamming": "Störsender", "temperature": "Temperatur", "parking": "Parken", "bonnet": "Motorhaube", "footBrake": "Fußbremse",
		"fuelLeak": "Kraftstoffleck", "tampering": "Manipulation", "removing": "abgenommen",
	},
	place: "bei {address}", when: "02.01.2006 15:04",
	test: "Testnachricht", testText: "Wenn du das liest, erreichen dich die Nachrichten von Waymark.",
	kmh: "km/h", mph: "mph", knots: "kn", geofence: "einem Geofence",
}
