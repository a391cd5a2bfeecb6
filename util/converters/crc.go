package converters

// The checksums below are named as in the catalogue of parametrised CRC
// algorithms (reveng.sourceforge.io/crc-catalogue).

// reflected16 is the table of a reflected 16 bit CRC.
func reflected16(polynomial uint16) (table [256]uint16) {
	for i := range table {
		crc := uint16(i)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ polynomial
			} else {
				crc >>= 1
			}
		}
		table[i] = crc
	}
	return table
}

var (
	tableX25 = reflected16(0x8408)
	tableARC = reflected16(0xA001)
)

// CRC16X25 is CRC-16/IBM-SDLC, also called X-25: polynomial 0x1021 reflected,
// start and final XOR 0xFFFF.
func CRC16X25(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc = crc>>8 ^ tableX25[byte(crc)^b]
	}
	return ^crc
}

// CRC16ARC is CRC-16/ARC, also called IBM: polynomial 0x8005 reflected, start 0.
func CRC16ARC(data []byte) uint16 {
	crc := uint16(0)
	for _, b := range data {
		crc = crc>>8 ^ tableARC[byte(crc)^b]
	}
	return crc
}
