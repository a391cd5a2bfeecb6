// Package live brings positions and device states to open WebSockets.
//
// The bus hands the Hub batches of stored positions. The Hub encodes each
// position once and offers it to every socket whose account may see the
// device. A socket holds the latest position per device, not a queue: a slow
// client skips positions, it never falls behind and never costs more memory
// than one position of each of its devices.
//
// A socket that asks for logs ({"logs":true}) gets the raw messages of the
// devices it may see. Trackers send them only while somebody watches, which the
// Hub tells them again and again.
//
// Events come as notices: those that a user is to be told, by a rule with the
// channel web, reach the sockets of that user. They wait in a list of bounded
// length.
//
// An idle socket sends at once (leading edge), then gathers for a window of
// 50 ms. What a socket may see is asked again whenever the account changes, so
// a signed-out or restricted user receives nothing more.
//
// Lock order: Hub.mu, then socket.mu. socket.refreshing is taken before both.
package live
