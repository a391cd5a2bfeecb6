package egts

import "encoding/binary"

// maxConfirmed bounds how many records one packet confirms, so that an answer
// stays below 1 KiB. A sender repeats what was not confirmed.
const maxConfirmed = 150

// confirmation is a response that grows by every record read.
type confirmation struct {
	codec *codec
	body  []byte
	count int
	// service is the one of the open record of the response, which starts at
	// byte start of body.
	service byte
	start   int
}

// confirm confirms a record. Records of one service share a record of the
// response.
func (a *confirmation) confirm(number uint16, service byte) {
	if a.count == 0 || a.service != service {
		a.start, a.service = len(a.body), service
		a.body = binary.LittleEndian.AppendUint16(a.body, 0)
		a.body = binary.LittleEndian.AppendUint16(a.body, a.codec.record)
		a.body = append(a.body, 0, service, service)
		a.codec.record++
	}
	a.count++
	a.body = append(a.body, recordResponse, 3, 0)
	a.body = binary.LittleEndian.AppendUint16(a.body, number)
	a.body = append(a.body, 0)
	binary.LittleEndian.PutUint16(a.body[a.start:], uint16(len(a.body)-a.start-recordHeader))
}

// full tells whether no more records can be confirmed: a new service costs
// more than a record of the same.
func (a *confirmation) full() bool {
	return a.count >= maxConfirmed || len(a.body) > 6*maxConfirmed
}

// answer appends the packet that confirms, and after an identification the one
// that says that it is accepted, to b. Nil if there was no record.
func (a *confirmation) answer(b []byte, identified bool) []byte {
	if a.count == 0 {
		return nil
	}
	c := a.codec
	b = appendPacket(b, packetResponse, c.packet, a.body)
	c.packet++
	if !identified {
		return b
	}
	body := binary.LittleEndian.AppendUint16(make([]byte, 0, 16), 4)
	body = binary.LittleEndian.AppendUint16(body, c.record)
	body = append(body, 0, serviceAuth, serviceAuth, resultCode, 1, 0, 0)
	c.record++
	b = appendPacket(b, packetData, c.packet, body)
	c.packet++
	return b
}
