// Package e2e tests the whole as its users meet it: real processes, real
// sockets, a browser, a fake Telegram. It has no code of its own.
package e2e
