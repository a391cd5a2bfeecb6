// Package data holds what things are: positions, devices, users, commands, and
// the messages the services send each other. It imports the standard library
// only and does no I/O.
//
// # Glossary and units
//
//   - Position: one report of a device. Latitude and longitude are WGS 84
//     degrees, south and west negative. Altitude is metres above sea level,
//     speed is knots, course is degrees true (0 = north, clockwise), accuracy
//     is the radius in metres.
//   - FixTime is when the satellites were read, DeviceTime when the device
//     wrote the report, ServerTime when it reached us. All are UTC and are kept
//     to the millisecond.
//   - Frame: the bytes of one device message, cut from the stream.
//   - Packet: what a frame says, after decoding.
//   - Identity: the text a device calls itself by (an IMEI, a serial number);
//     Device.UniqueID holds the same text.
//   - Attributes: everything a report says besides place and time, under the
//     names of the field ("ignition", "batteryLevel", ...). Distances in them
//     are metres, engine hours milliseconds, voltages volts, shares per cent.
//
// Speed is knots and engine hours are milliseconds because that is what the
// clients of the API expect; decoders convert once.
package data
