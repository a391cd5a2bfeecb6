// Package auth decides who is asking. Passwords, sessions and the throttle of
// sign-ins live here and nowhere else; the HTTP side only carries them. What
// somebody may see is package access's.
package auth
