package gt06

// layout says of which blocks a report in a short frame is built, in their
// order: GPS, cell, tail. Types that are built otherwise have no layout.
type layout struct {
	gps  bool
	cell cellShape
	tail func(*message)
}

func (l *layout) empty() bool { return !l.gps && l.cell.id == 0 && l.tail == nil }

// The cells of the layouts. The length in front of a sized cell stands where a
// status follows.
var (
	cell2G      = cellShape{lac: 2, id: 3}
	cell2GSized = cellShape{lac: 2, id: 3, sized: true}
	cell4G      = cellShape{lac: 4, id: 8}
	cell4GSized = cellShape{lac: 4, id: 8, sized: true}
)

// layouts are what the types mean for most devices.
var layouts = [256]layout{
	0x10: {gps: true},
	0x11: {gps: true, cell: cellShape{lac: 2, id: 4, longMNC: true}},
	0x12: {gps: true, cell: cell2G},
	0x13: {tail: (*message).status},
	0x16: {gps: true, cell: cell2GSized, tail: (*message).status},
	0x19: {cell: cell2G, tail: (*message).status},
	0x1E: {gps: true, tail: (*message).sevenCells},
	0x22: {gps: true, cell: cell2G, tail: (*message).reason},
	0x26: {gps: true, cell: cell2GSized, tail: (*message).status},
	0x27: {gps: true, cell: cell2GSized, tail: (*message).statusAndFence},
	0x2D: {gps: true, cell: cell2G, tail: (*message).reason},
	0x31: {gps: true, cell: cell2G, tail: (*message).reason},
	0x37: {gps: true, cell: cell2G, tail: (*message).reasonAndModules},
	0xA0: {gps: true, cell: cell4G, tail: (*message).reason},
	0xA3: {gps: true, cell: cell4G, tail: (*message).reason},
	0xA4: {gps: true, cell: cell4GSized, tail: (*message).statusAndFence},
	0xA5: {cell: cell4G, tail: (*message).status},
	0xA7: {cell: cell4G},
}

// form is a type of message with the length that its frame announces.
type form struct {
	kind   byte
	length int
}

// variants are what some families of devices mean by a type. Nothing but the
// length gives them away.
var variants = map[form]layout{
	// VXT01
	{0x12, 0x24}: {gps: true, cell: cell2G, tail: (*message).statusVXT01},
	{0x16, 0x24}: {gps: true, cell: cellShape{lac: 2, id: 3, maybe: true}, tail: (*message).statusVXT01},
	// BENWAY
	{0x12, 0x21}: {gps: true, cell: cell2G, tail: (*message).inputsBenway},
	// S5
	{0x12, 0x2B}: {gps: true, cell: cell2G, tail: (*message).statusS5},
	// WETRUST
	{0x12, 0x29}: {gps: true, cell: cell2G, tail: (*message).cardWetrust},
	// OBD6
	{0x13, 0x13}: {tail: (*message).statusOBD6},
	// SEEWORLD
	{0x22, 0x2F}: {gps: true, cell: cellShape{lac: 2, id: 4}, tail: (*message).climateSeeworld},
	{0x16, 0x26}: {gps: true, cell: cellShape{lac: 2, id: 4, sized: true}, tail: (*message).status},
	{0xA3, 0x0C}: {tail: (*message).statusSeeworld},
	{0xA3, 0x18}: {tail: (*message).statusSeeworld},
	// RFID
	{0x17, 0x28}: {gps: true, cell: cell2G, tail: (*message).card},
	// LW4G
	{0xA2, 0x40}: {gps: true, cell: cell4G, tail: (*message).statusLW4G},
	// SL4X
	{0x31, 0x2A}: {gps: true, cell: cellShape{lac: 2, id: 8, longMNC: true}, tail: (*message).reasonSL4X},
	{0x32, 0x27}: {gps: true, cell: cellShape{lac: 2, id: 4, longMNC: true, sized: true}, tail: (*message).statusSL4X},
	{0x32, 0x29}: {gps: true, cell: cellShape{lac: 2, id: 4, longMNC: true, sized: true}, tail: (*message).statusSL4X},
	{0x34, 0x37}: {gps: true, cell: cellShape{lac: 2, id: 8, longMNC: true}},
	// TRX16i
	{0x16, 0x2D}: {gps: true, cell: cell2GSized, tail: (*message).statusTRX16},
	// Fence report of 4G devices
	{0xA3, 0x2C}: {gps: true, cell: cell4GSized, tail: (*message).status},
}

// minCardLength is the length from which a message of type 0x12 is one of a
// card reader.
const minCardLength = 0x71

var cardReader = layout{gps: true, cell: cell2G, tail: (*message).cardLong}

// findLayout tells how a message is built.
func (m *message) findLayout() layout {
	switch {
	case m.long: // the variants are known of short frames only
		return layouts[m.kind]
	case m.kind == 0x12 && m.length >= minCardLength:
		return cardReader
	case m.kind == 0x25 && m.model.nt:
		return layout{gps: true}
	}
	if l, ok := variants[form{m.kind, m.length}]; ok {
		return l
	}
	return layouts[m.kind]
}
