package converters

import "math/bits"

// The checksums below are named as in the catalogue of parametrised CRC
// algorithms (reveng.sourceforge.io/crc-catalogue), or by the alias there that
// is in common use.

// reflected is the table of a CRC of up to 16 bits that takes the lowest bit
// first; the polynomial is reflected, too.
func reflected(polynomial uint16) (table [256]uint16) {
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

// forward is the table of a CRC of 16 bits that takes the highest bit first: the
// mirror image of the reflected one.
func forward(polynomial uint16) (table [256]uint16) {
	for i, crc := range reflected(bits.Reverse16(polynomial)) {
		table[bits.Reverse8(uint8(i))] = bits.Reverse16(crc)
	}
	return table
}

var (
	reflected1021 = reflected(0x8408)
	reflected8005 = reflected(0xA001)
	forward1021   = forward(0x1021)
	// A polynomial of 8 bits is one of 16 that ends in zeros.
	forward31 = forward(0x3100)
)

func reflectedSum(table *[256]uint16, crc uint16, data []byte) uint16 {
	for _, b := range data {
		crc = crc>>8 ^ table[byte(crc)^b]
	}
	return crc
}

// CRC16X25 is CRC-16/IBM-SDLC, also called X-25: polynomial 0x1021 reflected,
// start and final XOR 0xFFFF.
func CRC16X25(data []byte) uint16 { return UpdateX25(0, data) }

// UpdateX25 continues a CRC16X25 with more data; that of no data is 0.
func UpdateX25(crc uint16, data []byte) uint16 { return ^reflectedSum(&reflected1021, ^crc, data) }

// CRC16Kermit is CRC-16/KERMIT: polynomial 0x1021 reflected, start 0.
func CRC16Kermit(data []byte) uint16 { return reflectedSum(&reflected1021, 0, data) }

// CRC16ARC is CRC-16/ARC, also called IBM: polynomial 0x8005 reflected, start 0.
func CRC16ARC(data []byte) uint16 { return reflectedSum(&reflected8005, 0, data) }

// CRC16Modbus is CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF.
func CRC16Modbus(data []byte) uint16 { return reflectedSum(&reflected8005, 0xFFFF, data) }

// StartCCITTFalse is the sum of no data, for UpdateCCITTFalse.
const StartCCITTFalse = 0xFFFF

// CRC16CCITTFalse is CRC-16/IBM-3740, also called CCITT-FALSE: polynomial
// 0x1021, start 0xFFFF, not reflected.
func CRC16CCITTFalse(data []byte) uint16 { return UpdateCCITTFalse(StartCCITTFalse, data) }

// UpdateCCITTFalse continues a CRC16CCITTFalse with more data.
func UpdateCCITTFalse(crc uint16, data []byte) uint16 {
	for _, b := range data {
		crc = crc<<8 ^ forward1021[byte(crc>>8)^b]
	}
	return crc
}

// CRC16XMODEM is CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected.
func CRC16XMODEM(data []byte) uint16 { return UpdateCCITTFalse(0, data) }

// CRC8NRSC5 is CRC-8/NRSC-5: polynomial 0x31, start 0xFF, not reflected.
func CRC8NRSC5(data []byte) uint8 {
	crc := uint8(0xFF)
	for _, b := range data {
		crc = uint8(forward31[crc^b] >> 8)
	}
	return crc
}

// XOR8 is the exclusive or of all bytes.
func XOR8(data []byte) (sum uint8) {
	for _, b := range data {
		sum ^= b
	}
	return sum
}
