// Package auth decides who is asking and what they may see. Passwords,
// sessions, the throttle of sign-ins and the permissions live here and nowhere
// else; the HTTP side only carries them.
package auth
