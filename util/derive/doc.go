// Package derive works out what reports of a device mean: which places count,
// the way it went, its trips, stops and days, the geofences it is in, and what
// happened to it. It is one fold over the reports of a device, by time, with a
// file for each step:
//
//	computed attributes of the device's own values
//	filters, trips, stops, days, derived values      (package movement)
//	geofences: enter, exit, dwell, cross             (package geofence)
//	deadlines: not in a geofence when it should be
//	address: the name of the geofence it is in or near
//	computed attributes of derived values
//	events                                           (package events)
//
// Folder runs it over what comes in, within the transaction that stores it, and
// goes back when reports come late. Rebuild runs it over all that is stored,
// Current up to now. All three give the same, whatever the order of arrival.
//
// The state of a device lies in memory. It is saved at checkpoints, when a trip
// or a day has ended and every some hundred reports, and made anew from the
// newest checkpoint and the reports after it.
package derive
