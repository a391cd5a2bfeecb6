package meiligao

import (
	"bytes"
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// signature knows a frame by its length and stop, or by its checksum: others
// begin with the same mark. Some devices leave the length empty.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.Begins(first, "$$"); {
	case m != protocol.Sure:
		return m
	case len(first) < 4:
		return protocol.NeedMore
	}
	size := int(binary.BigEndian.Uint16(first[2:]))
	if size > maxFrame || size > 0 && size < minFrame {
		return protocol.No
	}
	if len(first) < max(size, minFrame) {
		return protocol.NeedMore
	}
	whole := first
	if size > 0 {
		whole = first[:size]
	}
	if bytes.HasSuffix(whole, stop) {
		return protocol.Sure
	}
	for at := headSize; ; {
		i := bytes.Index(first[at:], stop)
		if i < 0 {
			break
		}
		at += i + len(stop)
		if end := at - tailSize; end >= headSize && converters.CRC16CCITTFalse(first[:end]) == binary.BigEndian.Uint16(first[end:]) {
			return protocol.Sure
		}
	}
	return protocol.Maybe
}
